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

/// One answer to a query.
struct Match {
  std::int64_t candidate = 0;  ///< position among the candidates
  float score = 0;             ///< cosine similarity
  int transposition = 0;       ///< semitones to roll the query up so that it is in the match's key
  float alignment = 0;         ///< score of local alignment, where it was aligned
  double log_odds = 0;         ///< that it is a version, where that was asked for
};

/// Exact search over the fingerprints of many songs, in the memory of a back end. The scan's
/// precision decides how fast and how large it is (4, 6 or 5 bytes a value), never what is found.
/// Vectors that the memory of a device does not hold stay in host memory, and every search sends
/// them to the device in slices: while it searches one, the next is on its way. Where queries are
/// too many for what is left, they are searched for in smaller batches.
///
/// Threads: any number may search one index at once. On the CPU they run side by side; on a device
/// they take turns, and nothing else may use its back end meanwhile.
class Index {
 public:
  /// Gives the fingerprints of songs first, first + 1, ..: values [songs, dims] and rolls [songs].
  using Source = std::function<void(std::int64_t first, std::span<float> values,
                                    std::span<std::int32_t> rolls)>;

  /// Asks the source for some thousand songs at a time, in ascending order, so that the vectors are
  /// never in memory twice. Throws Error for a vector that is not finite, and where the device has
  /// not even memory for a slice.
  Index(Backend& backend, std::int64_t songs, int dims, ScanFormat format, const Source& source);
  /// candidates: one key each.
  Index(Backend& backend, const Fingerprints& candidates, ScanFormat format = ScanFormat::fp32);

  /// The `top` best candidates of each query, best first, ties by ascending position.
  std::vector<std::vector<Match>> search(const Fingerprints& queries, int top) const;

  /// The vectors of candidates at these positions, of length 1.
  Fingerprints candidates(std::span<const std::int64_t> positions) const;

  std::int64_t size() const { return static_cast<std::int64_t>(rolls_.size()); }
  /// Songs that are searched at a time: all, or those of a slice.
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
