#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>

#include "cli/audio_inputs.h"
#include "cli/import.h"
#include "collections/song_files.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

struct ImportAudio {
  std::vector<std::string> paths, settings;
  std::string list;
  int jobs = 0;
  DeviceOptions device;
  ImportOptions options;

  std::vector<SongFile> files() const {
    if (list.empty()) return audio_files(paths);
    const std::string beside = std::filesystem::path(list).parent_path();
    std::vector<SongFile> listed = read_song_list(list, paths.empty() ? beside : paths.front());
    require_different_ids(listed);
    return listed;
  }

  void run() const {
    if (list.empty() && paths.empty())
      throw UsageError("import audio: expected audio files or folders, or --list");
    if (!list.empty() && paths.size() > 1)
      throw UsageError("import audio --list: expected one folder that its paths are relative to");
    ChromaSettings chroma;
    for (const auto& [key, value] : split_settings(settings)) chroma.set(key, value);
    chroma.validate();
    const std::vector<SongFile> songs = files();
    std::vector<std::string> song_paths;
    for (const SongFile& song : songs) song_paths.push_back(song.path);

    const auto backend = device.open();
    const auto engine = device.chroma_engine(*backend, chroma);
    Import import(options, info_of_audio(chroma), static_cast<std::int64_t>(songs.size()));
    const auto begin = std::chrono::steady_clock::now();
    double heard = 0;  // seconds of music
    const auto take = [&](std::size_t i, const AudioResult& result) {
      const SongInfo& song = songs[i].song;
      if (!result.problem.empty()) {
        std::error_code status;
        const bool there = std::filesystem::exists(song_paths[i], status);
        import.skip(there ? Import::Why::damaged : Import::Why::missing, song.song_id, song.work_id,
                    result.problem);
        return;
      }
      heard += result.song.seconds;
      import.add(song, result.song.chroma, song_paths[i],
                 fmt::format("{} frames, {:+} cents", result.song.chroma.size() / kPitchClasses,
                             std::lround(100 * result.song.tuning)));
    };
    read_audio_files(song_paths, chroma, jobs, take, engine.get());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    import.finish();
    fmt::print("music      {}, {:.0f} x real time\n", duration_text(heard),
               heard / std::max(took.count(), 1e-9));
  }
};

}  // namespace

void add_import_audio(CLI::App& import, Action& action) {
  const auto options = std::make_shared<ImportAudio>();
  CLI::App* command = import.add_subcommand("audio", "Compute the chroma of audio files");
  command->add_option(
      "paths", options->paths,
      "its paths begin in"
      "audio files or folders (searched recursively, skipping hidden files); with --list "
      "the folder that its paths are relative to"
      "its paths begin in");
  command->add_option("--list", options->list,
                      "CSV with a header line: song_id,work_id,path and optionally split, title, "
                      "artist, tune_id; without it every file is a work of its own");
  command->add_option("--jobs", options->jobs, "files read at once; 0: one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  options->device.add_device_to(*command);
  options->options.type = "uint8";
  options->options.add_to(*command);
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
