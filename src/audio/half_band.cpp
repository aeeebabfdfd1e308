#include "audio/half_band.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reprise {
namespace {

constexpr int kReach = 2 * HalfBand::kPairs;  // samples on either side, and one
constexpr double kKaiser = 8.5;               // side lobes below -85 dB

double bessel(double x) {  // I0
  double sum = 1, term = 1;
  for (int k = 1; k < 60; ++k) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

}  // namespace

HalfBand::HalfBand() : held_(kReach, 0.0f) {
  double weights[kPairs], sum = 0;
  for (int j = 0; j < kPairs; ++j) {
    const double at = 2 * j + 1;
    weights[j] = std::sin(std::numbers::pi * at / 2) / (std::numbers::pi * at) *
                 bessel(kKaiser * std::sqrt(1 - at * at / (kReach * kReach))) / bessel(kKaiser);
    sum += weights[j];
  }
  for (int j = 0; j < kPairs; ++j) weights_[j] = static_cast<float>(weights[j] / sum / 4);
}

void HalfBand::push(std::span<const float> in, bool last, std::vector<float>& out) {
  held_.insert(held_.end(), in.begin(), in.end());
  taken_ += static_cast<std::int64_t>(in.size());
  if (last) held_.insert(held_.end(), kReach, 0.0f);
  const auto have = static_cast<std::int64_t>(held_.size());
  std::int64_t count = std::max<std::int64_t>(0, (have - 2 * kReach + 1) / 2);
  count = std::min(count, (taken_ + 1) / 2 - given_);
  if (count <= 0) return;
  const std::int64_t pairs = count + kReach;
  even_.resize(static_cast<std::size_t>(pairs));
  odd_.resize(static_cast<std::size_t>(pairs));
  for (std::int64_t i = 0; i < pairs; ++i) {
    even_[i] = 2 * i < have ? held_[2 * i] : 0;
    odd_[i] = 2 * i + 1 < have ? held_[2 * i + 1] : 0;
  }
  const std::size_t at = out.size();
  out.resize(at + static_cast<std::size_t>(count));
  float* y = out.data() + at;
  for (std::int64_t n = 0; n < count; ++n) y[n] = 0.5f * even_[n + kPairs];
  for (int j = 0; j < kPairs; ++j) {
    const float* before = odd_.data() + kPairs - 1 - j;
    const float* after = odd_.data() + kPairs + j;
    for (std::int64_t n = 0; n < count; ++n) y[n] += weights_[j] * (before[n] + after[n]);
  }
  given_ += count;
  held_.erase(held_.begin(), held_.begin() + 2 * count);
}

}  // namespace reprise
