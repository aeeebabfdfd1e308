#pragma once

#include <cmath>
#include <cstdint>

#include "reprise/params.h"
#include "reprise/random.h"

// How the random numbers of a take determine an excerpt. The back ends' augment() must agree on
// this to the last bit, or excerpts would differ in length.
namespace reprise {

/// What a take's seed determines for the excerpt as a whole, drawn in this order. Then follow one
/// draw per source frame if `drop` > 0, one for the position of the crop if the result is cropped,
/// and two for the noise of each value of the result if `deviation` > 0.
struct AugmentationDraw {
  float stretch = 1;    ///< duration factor
  float drop = 0;       ///< probability that a source frame is left out
  float deviation = 0;  ///< of the noise
  float power = 1;      ///< exponent of the values
  bool powered = false;

  REPRISE_HOST_DEVICE AugmentationDraw(const AugmentParams& p, Random& random) {
    // In double, rounded once: libraries of device and host differ in the last bit of a float.
    const auto low = static_cast<float>(log(double{p.stretch_low}));
    const auto high = static_cast<float>(log(double{p.stretch_high}));
    stretch = static_cast<float>(exp(double{random.uniform(low, high)}));
    drop = random.uniform(0, p.drop);
    deviation = random.uniform(0, p.noise);
    powered = random.uniform() < p.power_share;
    if (powered) power = random.uniform(p.power_low, p.power_high);
  }
};

/// The part of a stretched excerpt that a take becomes.
struct Crop {
  std::int64_t frames = 0;
  std::int64_t start = 0;

  /// source: frames that were not left out, at least 1.
  REPRISE_HOST_DEVICE Crop(std::int64_t source, float stretch, int longest, Random& random) {
    const std::int64_t rounded = llround(static_cast<double>(source) * double{stretch});
    const std::int64_t stretched = rounded < 1 ? 1 : rounded;
    frames = stretched < longest ? stretched : longest;
    if (stretched > frames)
      start = random.below(static_cast<std::uint32_t>(stretched - frames + 1));
  }

  /// The source time that frame t of the result shows, between two source frames.
  REPRISE_HOST_DEVICE float time(std::int64_t t, float stretch, std::int64_t source) const {
    const float at = static_cast<float>(start + t) / stretch;
    const auto last = static_cast<float>(source - 1);
    return at < last ? at : last;
  }
};

}  // namespace reprise
