#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "audio/chroma.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::size_t kAhead = 8;      // files a thread, that may wait for an earlier one
constexpr std::size_t kMostCut = 64;   // songs that may wait for an engine: they are large
constexpr std::size_t kTogether = 16;  // songs that an engine is given at once

/// What a thread made of a file: all there is to know, or a song cut for an engine.
struct Read {
  AudioResult result;
  std::optional<CutSong> cut;
};

Read read_song(ChromaExtractor& extractor, const std::string& path, bool for_engine) {
  Read read;
  try {
    if (for_engine) read.cut = extractor.cut(path);
    if (!read.cut) read.result.song = extractor.read(path);
  } catch (const Error& error) {
    read.result.problem = error.what();
  }
  return read;
}

/// Computes the songs that are cut; `paths` are theirs.
void finish(ChromaEngine& engine, std::span<const std::string> paths, std::span<Read> reads) {
  std::vector<CutSong> songs;
  for (Read& read : reads)
    if (read.cut) songs.push_back(std::move(*read.cut));
  if (songs.empty()) return;
  std::vector<AudioChroma> chroma = engine.chroma(songs);
  for (std::size_t i = 0, song = 0; i < reads.size(); ++i) {
    if (!reads[i].cut) continue;
    AudioResult& result = reads[i].result;
    result.song = std::move(chroma[song++]);
    try {
      require_music(paths[i], result.song);
    } catch (const Error& error) {
      result = {{}, error.what()};
    }
  }
}

/// The files, given out and taken back in order.
class Reading {
 public:
  Reading(std::span<const std::string> paths, std::size_t ahead,
          const std::function<void(std::size_t, const AudioResult&)>& take, bool for_engine)
      : paths_(paths), ahead_(ahead), take_(take), for_engine_(for_engine) {}

  /// Reads files until there are no more.
  void work(const ChromaSettings& settings) {
    try {
      ChromaExtractor extractor(settings);
      for (std::size_t i; (i = next()) < paths_.size();)
        done(i, read_song(extractor, paths_[i], for_engine_));
    } catch (...) {  // out of memory, or what `take` threw
      fail();
    }
  }
  /// Computes what the working threads leave to an engine, until all files are taken.
  void serve(ChromaEngine& engine) {
    try {
      for (std::vector<Read> reads; !(reads = next_reads()).empty();) {
        finish(engine, paths_.subspan(taken_, reads.size()), reads);
        for (std::size_t i = 0; i < reads.size(); ++i) take_(taken_ + i, reads[i].result);
        const std::lock_guard guard(lock_);
        taken_ += reads.size();
        changed_.notify_all();
      }
    } catch (...) {
      fail();
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::size_t next() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [&] { return begun_ >= paths_.size() || begun_ < taken_ + ahead_; });
    return begun_ < paths_.size() ? begun_++ : begun_;
  }
  void done(std::size_t i, Read read) {
    const std::lock_guard guard(lock_);
    waiting_.emplace(i, std::move(read));
    while (!for_engine_ && !failure_ && first_waits()) {
      const Read first = take_first();
      take_(taken_++, first.result);
    }
    changed_.notify_all();
  }
  /// Those that can be taken now, at least one unless all were or something failed.
  std::vector<Read> next_reads() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [&] { return failure_ || taken_ == paths_.size() || first_waits(); });
    std::vector<Read> reads;
    while (!failure_ && reads.size() < kTogether && !waiting_.empty() &&
           waiting_.begin()->first == taken_ + reads.size())
      reads.push_back(take_first());
    return reads;
  }
  bool first_waits() const { return !waiting_.empty() && waiting_.begin()->first == taken_; }
  Read take_first() { return std::move(waiting_.extract(waiting_.begin()).mapped()); }
  void fail() {
    const std::lock_guard guard(lock_);
    if (!failure_) failure_ = std::current_exception();
    begun_ = paths_.size();
    changed_.notify_all();
  }

  std::span<const std::string> paths_;
  std::size_t ahead_;
  const std::function<void(std::size_t, const AudioResult&)>& take_;
  bool for_engine_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::size_t begun_ = 0, taken_ = 0;
  std::map<std::size_t, Read> waiting_;
  std::exception_ptr failure_;
};

}  // namespace

void read_audio_files(std::span<const std::string> paths, const ChromaSettings& settings,
                      int threads, const std::function<void(std::size_t, const AudioResult&)>& take,
                      ChromaEngine* engine) {
  settings.validate();
  const auto wanted = static_cast<std::size_t>(
      threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency()));
  const std::size_t members = std::min(paths.size(), wanted);
  Reading reading(paths, engine ? std::min(kAhead * wanted, kMostCut) : kAhead * wanted, take,
                  engine != nullptr);
  {
    std::vector<std::jthread> team;
    for (std::size_t i = engine ? 0 : 1; i < members; ++i)
      team.emplace_back([&] { reading.work(settings); });
    if (engine)
      reading.serve(*engine);
    else
      reading.work(settings);
  }
  reading.rethrow();
}

}  // namespace reprise
