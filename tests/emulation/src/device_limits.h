// What the emulated device offers: the limits of compute capability 8.0.
#pragma once

#include <cstddef>

namespace reprise::emulation {

inline constexpr int kWarp = 32;
inline constexpr int kMaxThreads = 1024;
inline constexpr std::size_t kSharedBytes = 48 << 10;        // without asking
inline constexpr std::size_t kSharedBytesOptIn = 163 << 10;  // with the function attribute
inline constexpr int kMultiprocessors = 4;

}  // namespace reprise::emulation
