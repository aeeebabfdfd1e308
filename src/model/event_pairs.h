#pragma once

#include <cstdint>
#include <vector>

#include "reprise/config.h"
#include "reprise/params.h"

namespace reprise {

/// From a song's co-occurrences M [F, N, N] to its fingerprint, where a configuration asks for more
/// than the back end's bigrams are: normalise, keep or sum pairs of events (a linear map),
/// compress, scale to length 1. In host memory.
///
///   normalisation  rows: each row M[f,i,:] to length 1; correlation: M_ij / sqrt(M_ii M_jj)
///   pairs          all, upper (i <= j), above (i < j), off-diagonal (i != j)
///                  cross: i in the first half of the events, j in the second: two streams
///                  intervals: events are K kernels in 12 rotations, number 12 k + p; the sum over
///                  p of M[f, 12 k + p, 12 m + (p + d) mod 12], [F, K, K, 12]: alike in all keys
class EventPairs {
 public:
  explicit EventPairs(const Config& config);

  /// Whether the back end's bigrams are the fingerprint, and there is nothing to do here.
  static bool as_they_are(const Config& config);

  int dims() const { return dims_; }
  /// out [count, dims] of m [count, F, N, N].
  void forward(const float* m, std::int64_t count, float* out) const;
  /// out [count, dims] of values [count, dims] that are kept and summed already.
  void compress(const float* values, std::int64_t count, float* out) const;
  /// m_gradient [count, F, N, N] of out_gradient [count, dims]. Not where co-occurrences are
  /// normalised.
  void backward(const float* m, const float* out_gradient, std::int64_t count,
                float* m_gradient) const;

 private:
  // The kept and summed values [dims] of one song, before compression.
  std::vector<double> collect(const float* m) const;
  // Compresses them and scales them to length 1, into out [dims].
  void finish(std::vector<double> values, float* out) const;

  int events_, windows_, dims_;
  bool rows_, correlation_, unit_norm_;
  Compression compression_;
  std::vector<int> target_;  // [F N N]: the value each co-occurrence adds to, or -1
};

}  // namespace reprise
