#pragma once

#include <cstdint>
#include <functional>
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
/// them to the device in slices.
class Index {
 public:
  /// Gives the fingerprints of songs first, first + 1, ..: values [songs, dims] and rolls [songs].
  using Source = std::function<void(std::int64_t first, std::span<float> values,
                                    std::span<std::int32_t> rolls)>;

  /// Asks the source for some thousand songs at a time, in ascending order, so that the vectors are
  /// never in memory twice. Throws Error for a vector that is not finite, and where the device has
  /// not even memory for a slice.
  Index(Backend& backend, std::int64_t songs, int dims, ScanPrecision precision,
        const Source& source);
  /// candidates: one key each.
  Index(Backend& backend, const Fingerprints& candidates,
        ScanPrecision precision = ScanPrecision::fp32);

  /// The `top` best candidates of each query, best first, ties by ascending position.
  std::vector<std::vector<Match>> search(const Fingerprints& queries, int top) const;

  /// The vectors of candidates at these positions, of length 1.
  Fingerprints candidates(std::span<const std::int64_t> positions) const;

  std::int64_t size() const { return static_cast<std::int64_t>(rolls_.size()); }
  /// Songs that the back end holds at a time: all, or those of a slice.
  std::int64_t songs_at_once() const { return songs_at_once_; }

 private:
  // Has songs first to first + count - 1 in the memory of the back end.
  void hold(std::int64_t first, std::int64_t count) const;

  Backend& backend_;
  int dims_;
  ScanPrecision precision_;
  std::vector<std::int32_t> rolls_;
  std::int64_t songs_at_once_;
  std::vector<float> host_;            // all vectors, where the back end holds a slice of them
  mutable Buffer<float> vectors_;      // of the songs that the back end holds
  mutable Buffer<std::uint8_t> scan_;  // of the same
};

}  // namespace reprise
