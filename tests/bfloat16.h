#pragma once

#include <bit>
#include <cstdint>

namespace reprise {

/// The nearest bfloat16, ties to even: the upper half of a float.
inline float to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t low = bits & 0xffff, high = bits >> 16;
  return std::bit_cast<float>((high + (low > 0x8000 || (low == 0x8000 && high % 2 == 1))) << 16);
}

}  // namespace reprise
