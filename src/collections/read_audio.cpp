// Audio files: their chroma is computed here.

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <unordered_map>

#include "collections/song_files.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"
#include "reprise/readers.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string_view> kEndings = {".aac", ".aif", ".aiff", ".au",   ".caf", ".flac",
                                                ".mp3", ".oga", ".ogg",  ".opus", ".w64", ".wav"};

bool is_audio_name(const std::string& path) {
  std::string ending = fs::path(path).extension();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// The audio files of paths: files as they are, folders with all files below them whose names end
/// as audio files' do, in the order of their names. song_id is the path within the folder that was
/// named, or the file's name; work_id is the same.
std::vector<SongFile> audio_files(const std::vector<std::string>& paths) {
  std::vector<SongFile> files;
  for (const std::string& path : paths) {
    std::error_code status;
    if (!fs::exists(path, status))
      throw InputError(fmt::format("{}: expected an audio file or a folder, found none", path));
    if (!fs::is_directory(path)) {
      const std::string name = to_utf8(fs::path(path).filename().string());
      files.emplace_back(name, name, path);
      continue;
    }
    const std::vector<std::string> found = files_below(path, is_audio_name);
    if (found.empty())
      throw InputError(fmt::format("{}: expected audio files in this folder, found none", path));
    for (const std::string& file : found) {
      const std::string id = to_utf8(fs::path(file).lexically_relative(path).generic_string());
      files.emplace_back(id, id, file);
    }
  }
  return files;
}

/// Throws Error where two files have one id, before hours of work.
void require_different_ids(const std::vector<SongFile>& files) {
  std::unordered_map<std::string_view, const SongFile*> seen;
  for (const SongFile& file : files) {
    const auto [at, added] = seen.emplace(file.song.song_id, &file);
    if (!added)
      throw InputError(
          fmt::format("{} and {}: expected different song ids, found {} for both: name "
                      "the folder above them, or give ids in a list",
                      at->second->path, file.path, quote(file.song.song_id)));
  }
}

std::vector<SongFile> files_of(const ReaderValues& values) {
  const std::vector<std::string>& paths = values.texts("paths");
  const std::string& list = values.text("list");
  if (list.empty() && paths.empty())
    throw SettingsError("audio: expected audio files or folders, or a list of them");
  if (list.empty()) return audio_files(paths);
  if (paths.size() > 1)
    throw SettingsError("audio: expected one folder that the list's paths are relative to");
  return read_song_list(list,
                        paths.empty() ? fs::path(list).parent_path().string() : paths.front());
}

void read(const ReaderValues& values, const ReadContext& context, SongSink& sink) {
  ChromaSettings chroma = context.chroma ? context.chroma() : ChromaSettings();
  for (const std::string& setting : values.texts("set")) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw SettingsError(fmt::format("chroma setting: expected key=value, found '{}'", setting));
    chroma.set(setting.substr(0, equals), setting.substr(equals + 1));
  }
  chroma.validate();
  const std::vector<SongFile> songs = files_of(values);
  require_different_ids(songs);
  std::vector<std::string> paths;
  for (const SongFile& song : songs) paths.push_back(song.path);

  const auto engine = context.engine ? context.engine(chroma) : nullptr;
  sink.begin({"audio files", chroma.description(), chroma.beats > 0 ? 0 : chroma.frames_per_second,
              ChromaType::uint8},
             std::ssize(songs));
  const auto take = [&](std::size_t i, const AudioResult& result) {
    const SongInfo& song = songs[i].song;
    if (!result.problem.empty()) {
      std::error_code status;
      sink.leave_out(fs::exists(paths[i], status) ? LeftOut::damaged : LeftOut::missing,
                     song.song_id, song.work_id, result.problem);
      return;
    }
    sink.add(song, result.song.chroma,
             {paths[i],
              fmt::format("{} frames, {:+} cents", result.song.chroma.size() / kPitchClasses,
                          std::lround(100 * result.song.tuning)),
              result.song.seconds});
  };
  read_audio_files(paths, chroma, static_cast<int>(values.number("jobs")), take, engine.get());
}

std::string settings_table() {
  std::string table = "Chroma settings (option set):\n";
  for (const ChromaParameter& p : chroma_parameters())
    table += fmt::format("  {:<20}{}\n{:22}{:g} to {:g}{}{}; default {:g}\n", p.name, p.meaning, "",
                         p.low, p.high, p.unit.empty() ? "" : " ", p.unit, p.initial);
  return table;
}

}  // namespace

std::vector<Reader> audio_readers() {
  using Kind = ReaderOption::Kind;
  return {{.name = "audio",
           .summary = "Compute the chroma of audio files",
           .example = "audio Music --out music.h5\n  reprise import audio --list works.csv --out "
                      "works.h5",
           .options = {{.name = "paths",
                        .meaning = "audio files or folders (searched recursively, skipping hidden "
                                   "files); with a list the folder that its paths are relative to",
                        .kind = Kind::texts,
                        .positional = true},
                       {.name = "list",
                        .meaning =
                            "CSV with a header line: song_id,work_id,path and optionally split, "
                            "title, artist, tune_id; without it every file is a work of its own"},
                       {.name = "jobs",
                        .meaning = "files read at once; 0: one per core",
                        .kind = Kind::number,
                        .initial = "0",
                        .high = 4096,
                        .whole = true},
                       {.name = "set",
                        .meaning = "key=value: change a setting; repeatable",
                        .kind = Kind::texts}},
           .endings = kEndings,
           .read = read,
           .type = ChromaType::uint8,
           .reads_audio = true,
           .notes = settings_table}};
}

}  // namespace reprise
