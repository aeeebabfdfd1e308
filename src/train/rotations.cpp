#include "train/rotations.h"

#include <algorithm>
#include <numeric>

namespace reprise {

void tie_rotations(const BigramParams& params, std::span<float> weights) {
  const int length = params.event_length, width = params.width();
  for (int k = 0; k < params.events; k += kPitchClasses) {
    for (int q = 0; q < length; ++q)
      for (int c = 0; c < width; ++c) {
        const auto at = [&](int r) -> float& {
          return weights[((k + r) * length + q) * width +
                         rolled_from(c, (kPitchClasses - r) % kPitchClasses)];
        };
        float sum = 0;
        for (int r = 0; r < kPitchClasses; ++r) sum += at(r);
        for (int r = 0; r < kPitchClasses; ++r) at(r) = sum / kPitchClasses;
      }
    float* bias = &weights[params.bias_offset() + k];
    const float mean = std::accumulate(bias, bias + kPitchClasses, 0.0f) / kPitchClasses;
    std::fill(bias, bias + kPitchClasses, mean);
  }
}

}  // namespace reprise
