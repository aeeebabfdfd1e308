#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <unordered_map>

#include "cli/audio_inputs.h"
#include "cli/import.h"
#include "core/csv.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

constexpr std::int64_t kLongestList = std::int64_t{1} << 30;

/// The audio files that a list names: columns song_id, work_id and path, and where there are any
/// split, title, artist and tune_id. Paths are taken from `folder`.
std::vector<AudioSong> listed_files(const std::string& list, const std::string& folder) {
  const std::vector<std::uint8_t> bytes = read_file(list, kLongestList);
  const Csv csv = Csv::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, list);
  const std::pair<const char*, std::string AudioSong::*> columns[] = {
      {"song_id", &AudioSong::song_id}, {"work_id", &AudioSong::work_id},
      {"path", &AudioSong::path},       {"split", &AudioSong::split},
      {"title", &AudioSong::title},     {"artist", &AudioSong::artist},
      {"tune_id", &AudioSong::tune_id}};
  std::vector<AudioSong> files(csv.rows.size());
  for (const auto& [name, member] : columns) {
    const std::size_t column = csv.find(name);
    if (column == Csv::kNone) {
      if (member == &AudioSong::song_id || member == &AudioSong::work_id ||
          member == &AudioSong::path)
        throw Error(fmt::format("{}: expected a column {}, found {}", list, name,
                                quote(fmt::format("{}", fmt::join(csv.columns, ",")))));
      continue;
    }
    for (std::size_t i = 0; i < files.size(); ++i) files[i].*member = csv.rows[i][column];
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto wrong = [&](const std::string& what) {
      throw Error(fmt::format("{}: line {}: {}", list, csv.lines[i], what));
    };
    AudioSong& file = files[i];
    if (file.path.empty()) wrong("expected a path, found none");
    file.path = (std::filesystem::path(folder) / file.path).string();
    static constexpr std::array kSplits = {"train", "validation", "test", "noise"};
    if (std::find(kSplits.begin(), kSplits.end(), file.split) == kSplits.end())
      wrong(fmt::format("expected split train, validation, test or noise, found {}",
                        quote(file.split)));
  }
  if (files.empty()) throw Error(fmt::format("{}: expected songs, found none", list));
  return files;
}

/// What a song set would refuse, before hours of work.
void check_ids(const std::vector<AudioSong>& files) {
  std::unordered_map<std::string_view, const AudioSong*> seen;
  for (const AudioSong& file : files) {
    for (const std::string* id : {&file.song_id, &file.work_id})
      if (id->empty() || !is_utf8(*id) || has_control_character(*id))
        throw Error(
            fmt::format("{}: expected an id of printable UTF-8 characters, found {}: give "
                        "it one with --list",
                        quote(file.path, 500), quote(*id)));
    const auto [at, added] = seen.emplace(file.song_id, &file);
    if (!added)
      throw Error(
          fmt::format("{} and {}: expected different song ids, found {} for both: import "
                      "the folder above them, or give ids with --list",
                      at->second->path, file.path, quote(file.song_id)));
  }
}

struct ImportAudio {
  std::vector<std::string> paths, settings;
  std::string list, out;
  int jobs = 0;
  bool verbose = false;

  void run() const {
    if (list.empty() && paths.empty())
      throw UsageError("import audio: expected audio files or folders, or --list");
    if (!list.empty() && paths.size() > 1)
      throw UsageError("import audio --list: expected one folder for its paths to begin in");
    ChromaSettings chroma;
    for (const auto& [key, value] : split_settings(settings)) chroma.set(key, value);
    chroma.validate();
    require_writable(out);
    std::vector<AudioSong> files;
    if (list.empty()) {
      files = audio_files(paths);
    } else {
      const std::string beside = std::filesystem::path(list).parent_path();
      files = listed_files(list, paths.empty() ? beside : paths.front());
    }
    check_ids(files);
    const SongSet set = read_audio(files, chroma, jobs, verbose);
    write_song_set(out, set);
    const auto left_out = static_cast<std::int64_t>(files.size()) - set.songs();
    fmt::print("{}: {} songs, {} frames{}\n", out, set.songs(), set.frames(),
               left_out > 0 ? fmt::format("; {} files left out", left_out) : "");
  }
};

}  // namespace

void add_import_audio(CLI::App& import, Action& action) {
  const auto options = std::make_shared<ImportAudio>();
  CLI::App* command = import.add_subcommand("audio", "Chroma of audio files, as a song set");
  command->add_option("paths", options->paths,
                      "audio files, or folders with all audio below them; with --list the folder "
                      "its paths begin in");
  command->add_option("--list", options->list,
                      "songs as CSV with a header line: song_id,work_id,path and, if wanted, "
                      "split, title, artist, tune_id; without it every file is a work of its own");
  command->add_option("--out", options->out, "song set to write (HDF5)")->required();
  command->add_option("--jobs", options->jobs, "files read at once; 0: one a core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_flag("--verbose", options->verbose, "print every file's frames and tuning");
  command->add_option("--set", options->settings, "key=value: change a setting; repeatable");
  std::string table = "Settings of --set:\n";
  for (const ChromaParameter& p : chroma_parameters())
    table += fmt::format("  {:<20}{}\n{:22}{:g} to {:g}{}{}; default {:g}\n", p.name, p.meaning, "",
                         p.low, p.high, p.unit.empty() ? "" : " ", p.unit, p.initial);
  command->footer(table +
                  "\nExample:\n  reprise import audio Music --out music.h5\n"
                  "  reprise import audio --list works.csv --out works.h5\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
