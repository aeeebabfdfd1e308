#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// A candidate found for a query.
struct Match {
  std::int64_t candidate = 0;  ///< position among the candidates
  float score = 0;             ///< cosine similarity
  int transposition = 0;       ///< of the query into the match's key, in semitones upwards
  float alignment = 0;         ///< score of local alignment, if aligned
  double log_odds = 0;         ///< that it is a version, if calibrated
};

/// Exact search over many fingerprints in the memory of a back end. The scan format affects speed
/// and size (4, 6 or 5 bytes per value), never the results. Vectors that do not fit into a device's
/// memory stay in host memory and are streamed in slices, each copied while the one before is
/// searched. Too many queries for the remaining memory are searched in smaller batches.
///
/// Threads: any number may search one index concurrently. On the CPU the searches run in parallel;
/// on a device they take turns, and nothing else may use its back end meanwhile.
class Index {
 public:
  /// Fills in the fingerprints of songs first, first + 1, ...: values [songs, dims], rolls [songs].
  using Source = std::function<void(std::int64_t first, std::span<float> values,
                                    std::span<std::int32_t> rolls)>;

  /// Asks the source for a few thousand songs at a time, in ascending order, so that vectors are
  /// never in memory twice. Throws InputError for a vector that is not finite and OutOfMemory if
  /// not even a slice fits.
  Index(Backend& backend, std::int64_t songs, int dims, ScanFormat format, const Source& source);
  /// candidates: one key per song.
  Index(Backend& backend, const Fingerprints& candidates, ScanFormat format = ScanFormat::fp32);

  /// The `top` best candidates of each query, best first; ties by ascending position.
  std::vector<std::vector<Match>> search(const Fingerprints& queries, int top) const;

  /// Unit vectors of the candidates at these positions.
  Fingerprints candidates(std::span<const std::int64_t> positions) const;

  std::int64_t size() const { return static_cast<std::int64_t>(rolls_.size()); }
  /// Songs searched at a time: all, or those of a slice.
  std::int64_t songs_at_once() const { return songs_at_once_; }
  std::int64_t slices() const { return slice_count(size(), songs_at_once_); }

 private:
  // Songs in the memory of the back end.
  struct Slice {
    Buffer<float> vectors;
    Buffer<std::uint8_t> scan;
  };
  static std::int64_t slice_count(std::int64_t songs, std::int64_t at_once) {
    return at_once == 0 ? 0 : (songs + at_once - 1) / at_once;
  }

  std::int64_t slice_size(std::int64_t number) const {
    return std::min(songs_at_once_, size() - number * songs_at_once_);
  }
  Slice& place_of(std::int64_t number) const {
    return device_->slices[number % std::ssize(device_->slices)];
  }
  // Held while the memory of a device is in use.
  std::unique_lock<std::mutex> use_device() const {
    return backend_.host_memory() ? std::unique_lock<std::mutex>()
                                  : std::unique_lock(device_->lock);
  }
  void begin_upload(std::int64_t number) const;
  void search_slice(std::int64_t number, const Fingerprints& queries,
                    std::span<const float> vectors, int k,
                    std::vector<std::vector<Match>>& matches) const;

  // What a search writes to, though the index stays as it is.
  struct Device {
    std::mutex lock;
    std::vector<Slice> slices;  // one of all songs, or two that take turns
  };

  Backend& backend_;
  int dims_;
  ScanFormat format_;
  std::vector<std::int32_t> rolls_;
  std::int64_t songs_at_once_;
  HostBuffer<float> host_;  // all vectors, where there are slices
  std::unique_ptr<Device> device_ = std::make_unique<Device>();
};

}  // namespace reprise
