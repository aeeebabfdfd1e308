#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// The 2016 experiment's test: cover pairs of a split (the first 500) and as many non-cover pairs,
/// each non-cover pair keeping a cover pair's first song. The second song of a pair is rolled to
/// the pitch histogram of the first.
class PairDistances {
 public:
  /// Throws Error where the split has no cover pair or only one work.
  PairDistances(const SongSet& set, std::string_view split, std::uint64_t seed);

  struct Summary {
    double loss = 0;           ///< contrastive, of the model's margin and weight of negatives
    double covers = 0;         ///< mean Euclidean distance of cover pairs
    double others = 0;         ///< mean Euclidean distance of non-cover pairs
    double bhattacharyya = 0;  ///< of the two sets of distances
  };
  Summary of(Backend& backend, const Model& model) const;

  std::int64_t pairs() const { return static_cast<std::int64_t>(same_work_.size()); }

 private:
  SongSet songs_;  // 2 p and 2 p + 1 are a pair
  std::vector<bool> same_work_;
};

/// Bhattacharyya distance of two sets of values taken for normally distributed (Kailath 1967):
///   (m - n)^2 / (4 (v + w)) + ln((v + w) / (2 sqrt(v w))) / 2
/// with means m, n and variances v, w. 0 where both are constant and equal.
double bhattacharyya_distance(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace reprise
