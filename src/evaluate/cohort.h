#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// Songs of works that no query belongs to. How a song compares with them says what a similarity to
/// it is worth: some songs are like everything. Symmetric score normalisation (Kenny 2010) with the
/// nearest of the cohort (Sturim & Reynolds 2005):
///   z = ((s - mean_q) / deviation_q + (s - mean_c) / deviation_c) / 2
/// mean and deviation being those of a song's similarities to the kNearest songs most like it.
class Cohort {
 public:
  static constexpr int kNearest = 50;

  struct Statistics {
    double mean = 0;
    double deviation = 1;
  };

  /// vectors: [songs, dims], of length 1.
  Cohort(Backend& backend, std::span<const float> vectors, int dims);

  /// Of each song, the best of its keys counting.
  std::vector<Statistics> statistics(const Fingerprints& songs) const;

  static double normalised(double similarity, const Statistics& query,
                           const Statistics& candidate) {
    return ((similarity - query.mean) / query.deviation +
            (similarity - candidate.mean) / candidate.deviation) /
           2;
  }

 private:
  Backend& backend_;
  int dims_;
  Buffer<float> vectors_;
};

}  // namespace reprise
