#include "audio/beats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "audio/real_transform.h"

namespace reprise {
namespace {

constexpr int kBands = 40;
constexpr double kWindowSeconds = 0.04;
constexpr float kQuietest = 1e-8f;       // power, -80 dB
constexpr double kTempoDeviation = 1.4;  // octaves

double mel(double hz) {
  return 2595 * std::log10(1 + hz / 700);
}

/// A first-order high-pass of .4 Hz, then deviation 1.
void normalise(std::vector<float>& onsets) {
  const double keep = std::exp(-2 * std::numbers::pi * 0.4 / kOnsetRate);
  double before = 0, out = 0, squares = 0;
  for (float& value : onsets) {
    out = keep * (out + value - before);
    before = value;
    value = static_cast<float>(out);
    squares += out * out;
  }
  const double deviation = std::sqrt(squares / static_cast<double>(onsets.size()));
  if (deviation <= 0) return;
  for (float& value : onsets) value = static_cast<float>(value / deviation);
}

}  // namespace

std::vector<float> onset_strength(Samples& samples, double rate) {
  std::int64_t window = 64;
  while (static_cast<double>(window) < kWindowSeconds * rate) window *= 2;
  RealTransform transform(window);
  std::vector<int> band(static_cast<std::size_t>(window / 2 + 1));
  for (std::int64_t k = 0; k <= window / 2; ++k) {
    const double share =
        mel(rate * static_cast<double>(k) / static_cast<double>(window)) / mel(rate / 2);
    band[k] = std::min(kBands - 1, static_cast<int>(share * kBands));
  }
  std::vector<float> onsets;
  std::array<float, kBands> before{};
  const double hop = rate / kOnsetRate;
  for (std::int64_t i = 0;; ++i) {
    const auto centre = static_cast<std::int64_t>(std::llround(static_cast<double>(i) * hop));
    if (!samples.reaches(centre)) break;
    const std::span<const float> power =
        transform.power(samples.window(centre - window / 2, window), 0, window / 2);
    std::array<float, kBands> level{};
    for (std::size_t k = 0; k < power.size(); ++k) level[band[k]] += power[k];
    float rise = 0;
    for (int b = 0; b < kBands; ++b) {
      level[b] = std::log10(level[b] + kQuietest);
      if (i > 0) rise += std::max(0.0f, level[b] - before[b]);
    }
    before = level;
    onsets.push_back(rise);
  }
  if (!onsets.empty()) normalise(onsets);
  return onsets;
}

double beat_period(std::span<const float> onsets) {
  const auto longest = static_cast<std::int64_t>(4 * kOnsetRate);
  const auto size = static_cast<std::int64_t>(onsets.size());
  std::vector<double> weighted(static_cast<std::size_t>(longest + 2), 0.0);
  for (std::int64_t lag = 1; lag <= longest; ++lag) {
    double sum = 0;
    for (std::int64_t t = lag; t < size; ++t) sum += double{onsets[t]} * onsets[t - lag];
    const double octaves =
        std::log2(static_cast<double>(lag) / (0.5 * kOnsetRate)) / kTempoDeviation;
    weighted[lag] = sum * std::exp(-0.5 * octaves * octaves);
  }
  // With the share of the next metrical level (Ellis 2007, eqs 7 and 8).
  double best = 0;
  auto period = std::round(0.5 * kOnsetRate);
  for (const std::int64_t times : {2, 3})
    for (auto lag = static_cast<std::int64_t>(0.25 * kOnsetRate); lag * times <= longest; ++lag) {
      const double* at = &weighted[lag * times];
      const double score = times == 2 ? weighted[lag] + 0.5 * at[0] + 0.25 * (at[-1] + at[1])
                                      : weighted[lag] + (at[0] + at[-1] + at[1]) / 3;
      if (score > best) {
        best = score;
        period = static_cast<double>(lag);
      }
    }
  return period;
}

std::vector<std::int64_t> track_beats(std::span<const float> onsets, double period,
                                      double tightness) {
  const auto size = static_cast<std::int64_t>(onsets.size());
  const auto nearest = std::max<std::int64_t>(1, std::llround(period / 2));
  const auto furthest = std::max<std::int64_t>(nearest, std::llround(period * 2));
  std::vector<double> penalty(static_cast<std::size_t>(furthest + 1));
  for (std::int64_t lag = nearest; lag <= furthest; ++lag) {
    const double ratio = std::log(static_cast<double>(lag) / period);
    penalty[lag] = tightness * ratio * ratio;
  }
  std::vector<double> score(onsets.size());
  std::vector<std::int32_t> back(onsets.size(), 0);  // to the beat before; 0: there is none
  for (std::int64_t t = 0; t < size; ++t) {
    double best = 0;
    for (std::int64_t lag = nearest; lag <= std::min(furthest, t); ++lag)
      if (const double value = score[t - lag] - penalty[lag]; value >= best) {
        best = value;
        back[t] = static_cast<std::int32_t>(lag);
      }
    score[t] = onsets[t] + best;
  }
  std::vector<std::int64_t> beats;
  if (size == 0) return beats;
  const auto last = std::max<std::int64_t>(0, size - std::llround(period));
  std::int64_t t = std::max_element(score.begin() + last, score.end()) - score.begin();
  for (;; t -= back[t]) {
    beats.push_back(t);
    if (back[t] == 0) break;
  }
  std::reverse(beats.begin(), beats.end());
  return beats;
}

}  // namespace reprise
