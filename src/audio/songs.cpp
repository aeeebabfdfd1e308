#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include "audio/chroma.h"
#include "reprise/error.h"

namespace reprise {
namespace {

std::vector<std::uint8_t> quantised(const std::vector<float>& chroma) {
  std::vector<std::uint8_t> out(chroma.size());
  for (std::size_t i = 0; i < chroma.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::lround(chroma[i] * 255));
  return out;
}

}  // namespace

SongSet songs_of_audio(std::span<const AudioSong> files, const ChromaSettings& settings,
                       int threads, const std::function<void(const AudioProgress&)>& report) {
  settings.validate();
  std::vector<std::vector<std::uint8_t>> chroma(files.size());
  std::atomic<std::size_t> next{0};
  std::mutex lock;
  AudioProgress progress;
  progress.of = files.size();
  std::exception_ptr failure;  // of the report, or out of memory
  const auto work = [&] {
    try {
      ChromaExtractor extractor(settings);
      for (std::size_t i; (i = next.fetch_add(1)) < files.size();) {
        std::string problem;
        AudioChroma song;
        try {
          song = extractor.read(files[i].path);
          chroma[i] = quantised(song.chroma);
        } catch (const Error& error) {
          problem = error.what();
        }
        const std::lock_guard guard(lock);
        ++progress.done;
        progress.seconds += song.seconds;
        progress.path = files[i].path;
        progress.problem = std::move(problem);
        progress.frames = static_cast<std::int64_t>(song.chroma.size()) / kPitchClasses;
        progress.tuning = song.tuning;
        report(progress);
      }
    } catch (...) {
      const std::lock_guard guard(lock);
      if (!failure) failure = std::current_exception();
      next = files.size();
    }
  };
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  {
    std::vector<std::jthread> team;
    const auto members = std::min(files.size(), static_cast<std::size_t>(threads));
    for (std::size_t i = 1; i < members; ++i) team.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);

  SongSet set;
  set.source = "audio files";
  set.frames_per_second = settings.beats > 0 ? 0 : settings.frames_per_second;
  set.chroma_source = settings.description();
  set.type = ChromaType::uint8;
  const auto any = [&](std::string AudioSong::*member) {
    return std::any_of(files.begin(), files.end(),
                       [&](const AudioSong& file) { return !(file.*member).empty(); });
  };
  const bool titles = any(&AudioSong::title), artists = any(&AudioSong::artist),
             tunes = any(&AudioSong::tune_id);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (chroma[i].empty()) continue;
    const AudioSong& file = files[i];
    set.chroma_uint8.insert(set.chroma_uint8.end(), chroma[i].begin(), chroma[i].end());
    set.offsets.push_back(static_cast<std::int64_t>(set.chroma_uint8.size()) / kPitchClasses);
    std::vector<std::uint8_t>().swap(chroma[i]);
    set.song_id.push_back(file.song_id);
    set.work_id.push_back(file.work_id);
    set.split.push_back(file.split);
    if (titles) set.title.push_back(file.title);
    if (artists) set.artist.push_back(file.artist);
    if (tunes) set.tune_id.push_back(file.tune_id);
  }
  if (set.song_id.empty())
    throw Error(files.size() == 1 ? progress.problem
                                  : fmt::format("expected audio, found none in {} files that "
                                                "could be read",
                                                files.size()));
  return set;
}

}  // namespace reprise
