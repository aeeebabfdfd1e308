#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "audio/chroma.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::size_t kAhead = 8;  // files a thread, that may wait for an earlier one

/// The files, given out and taken back in order.
class Reading {
 public:
  Reading(std::span<const std::string> paths, std::size_t ahead,
          const std::function<void(std::size_t, const AudioResult&)>& take)
      : paths_(paths), ahead_(ahead), take_(take) {}

  void work(const ChromaSettings& settings) {
    try {
      ChromaExtractor extractor(settings);
      for (std::size_t i; (i = next()) < paths_.size();) {
        AudioResult result;
        try {
          result.song = extractor.read(paths_[i]);
        } catch (const Error& error) {
          result.problem = error.what();
        }
        done(i, std::move(result));
      }
    } catch (...) {  // out of memory, or what `take` threw
      const std::lock_guard guard(lock_);
      if (!failure_) failure_ = std::current_exception();
      begun_ = paths_.size();
      taken_back_.notify_all();
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::size_t next() {
    std::unique_lock guard(lock_);
    taken_back_.wait(guard, [&] { return begun_ >= paths_.size() || begun_ < taken_ + ahead_; });
    return begun_ < paths_.size() ? begun_++ : begun_;
  }
  void done(std::size_t i, AudioResult result) {
    const std::lock_guard guard(lock_);
    waiting_.emplace(i, std::move(result));
    for (auto first = waiting_.begin();
         !failure_ && first != waiting_.end() && first->first == taken_;
         first = waiting_.erase(first))
      take_(taken_++, first->second);
    taken_back_.notify_all();
  }

  std::span<const std::string> paths_;
  std::size_t ahead_;
  const std::function<void(std::size_t, const AudioResult&)>& take_;
  std::mutex lock_;
  std::condition_variable taken_back_;
  std::size_t begun_ = 0, taken_ = 0;
  std::map<std::size_t, AudioResult> waiting_;
  std::exception_ptr failure_;
};

}  // namespace

void read_audio_files(std::span<const std::string> paths, const ChromaSettings& settings,
                      int threads,
                      const std::function<void(std::size_t, const AudioResult&)>& take) {
  settings.validate();
  const auto wanted = static_cast<std::size_t>(
      threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency()));
  const std::size_t members = std::min(paths.size(), wanted);
  Reading reading(paths, kAhead * wanted, take);
  {
    std::vector<std::jthread> team;
    for (std::size_t i = 1; i < members; ++i) team.emplace_back([&] { reading.work(settings); });
    reading.work(settings);
  }
  reading.rethrow();
}

}  // namespace reprise
