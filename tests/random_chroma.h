#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "reprise/random.h"
#include "reprise/view.h"

namespace reprise {

/// [frames, 12 * bands] of uneven values, the largest of each frame and band 1, as real chroma is.
inline std::vector<float> random_chroma(std::int64_t frames, std::uint64_t seed, int bands = 1) {
  Random random(seed);
  std::vector<float> chroma(frames * bands * kPitchClasses);
  for (std::int64_t t = 0; t < frames * bands; ++t) {
    float* frame = chroma.data() + t * kPitchClasses;
    for (int c = 0; c < kPitchClasses; ++c) {
      const float value = random.uniform();
      frame[c] = value * value * value;
    }
    const float largest = std::max(*std::max_element(frame, frame + kPitchClasses), 1e-3f);
    for (int c = 0; c < kPitchClasses; ++c) frame[c] /= largest;
  }
  return chroma;
}

}  // namespace reprise
