#include "cli/audio_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include "cli/commands.h"
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

std::vector<AudioSong> audio_files(const std::vector<std::string>& paths) {
  std::vector<AudioSong> files;
  const auto add = [&](const std::string& path, const std::string& id) {
    AudioSong song;
    song.path = path;
    song.song_id = song.work_id = id;
    files.push_back(std::move(song));
  };
  for (const std::string& path : paths) {
    std::error_code status;
    if (!fs::exists(path, status))
      throw Error(fmt::format("{}: expected an audio file or a folder, found none", path));
    if (!fs::is_directory(path)) {
      add(path, fs::path(path).filename());
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry :
         fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied))
      if (entry.is_regular_file(status) && is_audio_name(entry.path()))
        found.push_back(entry.path());
    if (found.empty())
      throw Error(fmt::format("{}: expected audio files in this folder, found none", path));
    std::sort(found.begin(), found.end());
    for (const fs::path& file : found) add(file, fs::relative(file, path).generic_string());
  }
  return files;
}

SongSet read_audio(const std::vector<AudioSong>& files, const ChromaSettings& settings, int threads,
                   bool verbose) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  ProgressLine line;
  const auto report = [&](const AudioProgress& p) {
    if (!p.problem.empty() && files.size() > 1) {
      line.clear();
      fmt::print(stderr, "left out: {}\n", tsv_field(p.problem));
    }
    if (verbose && p.problem.empty()) {
      line.clear();
      fmt::print("{}\t{} frames\t{:+.0f} cents\n", tsv_field(p.path), p.frames, 100 * p.tuning);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double share = static_cast<double>(p.done) / static_cast<double>(p.of);
    line.show(share, fmt::format("{} of {} files, {:.0f} x real time, {} left", p.done, p.of,
                                 p.seconds / std::max(seconds, 1e-3),
                                 duration_text(seconds / share - seconds)));
  };
  return songs_of_audio(files, settings, threads, report);
}

}  // namespace reprise::cli
