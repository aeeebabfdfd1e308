#include "model/keys.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reprise {
namespace {

PitchHistogram centred_unit(const std::array<double, kPitchClasses>& sums) {
  const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / kPitchClasses;
  double square = 0;
  for (const double value : sums) square += (value - mean) * (value - mean);
  // Rounding leaves a little of a flat histogram: it has no key.
  const double norm = std::sqrt(square);
  const double scale = norm > 1e-6 * std::abs(mean) ? 1 / norm : 0;
  PitchHistogram histogram;
  for (int c = 0; c < kPitchClasses; ++c)
    histogram[c] = static_cast<float>((sums[c] - mean) * scale);
  return histogram;
}

}  // namespace

PitchHistogram pitch_histogram(ChromaView chroma) {
  std::array<double, kPitchClasses> sums{};
  for (std::int64_t t = 0; t < chroma.frames; ++t)
    for (int c = 0; c < chroma.width(); ++c) sums[c % kPitchClasses] += double{chroma.at(t, c)};
  return centred_unit(sums);
}

PitchHistogram pitch_histogram(const SongSet& set, std::int64_t song) {
  return pitch_histogram(set.chroma_of(song));
}

PitchHistogram rolled(const PitchHistogram& histogram, int roll) {
  PitchHistogram result;
  for (int c = 0; c < kPitchClasses; ++c) result[(c + roll) % kPitchClasses] = histogram[c];
  return result;
}

std::array<float, kPitchClasses> roll_scores(const PitchHistogram& histogram,
                                             const PitchHistogram& reference) {
  std::array<float, kPitchClasses> scores{};
  for (int r = 0; r < kPitchClasses; ++r) {
    double sum = 0;
    for (int c = 0; c < kPitchClasses; ++c)
      sum += double{histogram[c]} * double{reference[(c + r) % kPitchClasses]};
    scores[r] = static_cast<float>(sum);
  }
  return scores;
}

std::array<int, kPitchClasses> rolls_by_fit(const PitchHistogram& histogram,
                                            const PitchHistogram& reference) {
  const auto scores = roll_scores(histogram, reference);
  std::array<int, kPitchClasses> rolls;
  std::iota(rolls.begin(), rolls.end(), 0);
  std::stable_sort(rolls.begin(), rolls.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  return rolls;
}

int best_roll(const PitchHistogram& histogram, const PitchHistogram& reference) {
  return rolls_by_fit(histogram, reference)[0];
}

PitchHistogram learn_key_template(std::span<const PitchHistogram> histograms) {
  constexpr int kRounds = 30;
  PitchHistogram key = histograms.empty() ? PitchHistogram{} : histograms.front();
  for (int round = 0; round < kRounds; ++round) {
    std::array<double, kPitchClasses> sums{};
    for (const PitchHistogram& h : histograms) {
      const int roll = best_roll(h, key);
      for (int c = 0; c < kPitchClasses; ++c) sums[(c + roll) % kPitchClasses] += double{h[c]};
    }
    key = centred_unit(sums);
  }
  return key;
}

}  // namespace reprise
