#pragma once

#include <cmath>
#include <cstdint>

#include "reprise/view.h"

namespace reprise {

/// A counter-based generator: the n-th draw is a hash of (seed, n), so that any draw of any run can
/// be made again from numbers alone, in any order and on any back end. The hash is SplitMix64's
/// finaliser (Steele, Lea & Flood 2014).
class Random {
 public:
  REPRISE_HOST_DEVICE explicit Random(std::uint64_t seed) : state_(seed) {}

  /// A seed for one of many independent streams.
  REPRISE_HOST_DEVICE static std::uint64_t derive(std::uint64_t seed, std::uint64_t stream) {
    return mix(mix(seed + kStep) ^ (stream * 0xd1342543de82ef95u + 1));
  }

  REPRISE_HOST_DEVICE std::uint64_t bits() { return mix(state_ += kStep); }

  /// The next draw hashes state() + kStep, the one after it state() + 2 kStep: many at once can be
  /// made by whoever knows the hash.
  REPRISE_HOST_DEVICE std::uint64_t state() const { return state_; }
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static constexpr std::uint64_t kMix[2] = {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu};

  /// Leaves out `draws` draws.
  REPRISE_HOST_DEVICE void skip(std::uint64_t draws) { state_ += draws * kStep; }

  /// Uniform in [0, 1).
  REPRISE_HOST_DEVICE float uniform() { return static_cast<float>(bits() >> 40) * 0x1p-24f; }
  REPRISE_HOST_DEVICE float uniform(float low, float high) {
    return low + (high - low) * uniform();
  }

  /// Uniform in 0 .. n - 1; the bias is below n / 2^32.
  REPRISE_HOST_DEVICE std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((bits() >> 32) * n) >> 32);
  }

  /// Standard normal (Box & Muller 1958).
  REPRISE_HOST_DEVICE float normal() {
    const float radius = sqrtf(-2.0f * logf(1.0f - uniform()));
    return radius * cosf(6.283185307f * uniform());
  }

 private:
  REPRISE_HOST_DEVICE static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * kMix[0];
    x = (x ^ (x >> 27)) * kMix[1];
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

}  // namespace reprise
