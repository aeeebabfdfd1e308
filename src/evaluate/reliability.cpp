#include <algorithm>
#include <cmath>

#include "core/logistic.h"
#include "reprise/evaluate.h"

namespace reprise {

Reliability reliability(std::span<const ScoredPair> scored_pairs) {
  constexpr int kBins = 10;
  Reliability result;
  for (int b = 0; b < kBins; ++b)
    result.bins.push_back({static_cast<double>(b) / kBins, static_cast<double>(b + 1) / kBins});
  for (const ScoredPair& pair : scored_pairs) {
    const double probability = probability_of(pair.log_odds);
    const double outcome = pair.version ? 1 : 0;
    Reliability::Bin& bin = result.bins[std::min(static_cast<int>(probability * kBins), kBins - 1)];
    bin.pairs += 1;
    bin.expected += probability;
    bin.observed += outcome;
    result.pairs += 1;
    result.brier += (probability - outcome) * (probability - outcome);
  }
  for (Reliability::Bin& bin : result.bins) {
    result.expected_error += std::abs(bin.expected - bin.observed);
    const double share = bin.pairs > 0 ? 1 / static_cast<double>(bin.pairs) : 0;
    bin.expected *= share;
    bin.observed *= share;
  }
  if (result.pairs > 0) {
    result.brier /= static_cast<double>(result.pairs);
    result.expected_error /= static_cast<double>(result.pairs);
  }
  return result;
}

}  // namespace reprise
