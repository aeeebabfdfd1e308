#include "cli/audio_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <unordered_map>

#include "cli/commands.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

bool is_audio_name(const fs::path& path) {
  static constexpr std::array kEndings = {".aac", ".aif", ".aiff", ".au",   ".caf", ".flac",
                                          ".mp3", ".oga", ".ogg",  ".opus", ".w64", ".wav"};
  std::string ending = path.extension();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

}  // namespace

bool is_audio(const std::string& path) {
  std::error_code status;
  return fs::is_directory(path, status) || is_audio_name(path);
}

std::vector<SongFile> audio_files(const std::vector<std::string>& paths) {
  std::vector<SongFile> files;
  for (const std::string& path : paths) {
    std::error_code status;
    if (!fs::exists(path, status))
      throw Error(fmt::format("{}: expected an audio file or a folder, found none", path));
    if (!fs::is_directory(path)) {
      const std::string name = to_utf8(fs::path(path).filename().string());
      files.emplace_back(name, name, path);
      continue;
    }
    const std::vector<std::string> found = files_below(path, is_audio_name);
    if (found.empty())
      throw Error(fmt::format("{}: expected audio files in this folder, found none", path));
    for (const std::string& file : found) {
      const std::string id = to_utf8(fs::path(file).lexically_relative(path).generic_string());
      files.emplace_back(id, id, file);
    }
  }
  require_different_ids(files);
  return files;
}

void require_different_ids(const std::vector<SongFile>& files) {
  std::unordered_map<std::string_view, const SongFile*> seen;
  for (const SongFile& file : files) {
    const auto [at, added] = seen.emplace(file.song.song_id, &file);
    if (!added)
      throw Error(
          fmt::format("{} and {}: expected different song ids, found {} for both: name "
                      "the folder above them, or give ids with import audio --list",
                      at->second->path, file.path, quote(file.song.song_id)));
  }
}

SongSetInfo info_of_audio(const ChromaSettings& settings) {
  return {"audio files", settings.description(),
          settings.beats > 0 ? 0 : settings.frames_per_second, ChromaType::uint8};
}

SongSet read_audio(const std::vector<SongFile>& files, const ChromaSettings& settings,
                   ChromaEngine* engine) {
  const SongSetInfo info = info_of_audio(settings);
  SongSet set;
  set.source = info.source;
  set.chroma_source = info.chroma_source;
  set.frames_per_second = info.frames_per_second;
  set.type = info.type;
  std::vector<std::string> paths;
  for (const SongFile& file : files) paths.push_back(file.path);
  ProgressLine line;
  std::string problem;
  const auto take = [&](std::size_t i, const AudioResult& result) {
    line.show(static_cast<double>(i + 1) / static_cast<double>(files.size()),
              fmt::format("{} of {} files", i + 1, files.size()));
    if (!result.problem.empty()) {
      problem = result.problem;
      line.clear();
      if (files.size() > 1) fmt::print(stderr, "left out: {}\n", tsv_field(problem));
      return;
    }
    for (const float value : result.song.chroma) set.chroma_uint8.push_back(chroma_byte(value));
    set.offsets.push_back(static_cast<std::int64_t>(set.chroma_uint8.size()) / kPitchClasses);
    set.song_id.push_back(files[i].song.song_id);
    set.work_id.push_back(files[i].song.work_id);
    set.split.emplace_back("test");
  };
  read_audio_files(paths, settings, 0, take, engine);
  if (set.song_id.empty())
    throw Error(files.size() == 1
                    ? problem
                    : fmt::format("{}: expected audio, found none in {} files that could be read",
                                  files.front().path, files.size()));
  return set;
}

}  // namespace reprise::cli
