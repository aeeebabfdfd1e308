#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "../oracle.h"

namespace reprise::emulation {

/// The bigrams of a song as plain loops in float that sum the products at each lag before the
/// windows mix them, as the unfused path does: the yardstick for that order of sums. Operands of
/// products, filters and chroma, then events, are first passed through `round`. Appends to `out`.
template <typename Round>
void forward_by_lags(const BigramParams& p, ChromaView chroma, const Excerpt& excerpt,
                     std::vector<float> weights, Round round, std::vector<float>& out) {
  const int n = p.events;
  auto x = oracle::excerpt_chroma<float>(chroma, excerpt);
  std::for_each(x.begin(), x.end(), round);
  std::for_each(weights.begin(), weights.begin() + p.event_weights(), round);
  auto b = oracle::bigram_forward(x, weights, p);
  std::for_each(b.e.begin(), b.e.end(), round);
  float square = 0;
  std::vector<float> y;
  for (int d = 0; d < p.dims(); ++d) {
    const int f = d / (n * n), i = d / n % n, j = d % n;
    float sum = 0;
    for (int l = 0; l < p.taps; ++l) {
      float c = 0;
      for (int t = std::max(0, -p.lags[l]); t < std::min(b.frames, b.frames - p.lags[l]); ++t)
        c += b.e[(t + p.lags[l]) * n + i] * b.e[t * n + j];
      sum += weights[p.window_offset() + f * p.taps + l] * c;
    }
    if (p.pooling == Pooling::mean) sum /= static_cast<float>(b.frames);
    y.push_back(oracle::compress(p.compression, sum));
    square += y.back() * y.back();
  }
  const float length = p.unit_norm ? std::sqrt(square) : 1.f;
  for (const float value : y) out.push_back(length > 1e-6f ? value / length : 0.f);
}

}  // namespace reprise::emulation
