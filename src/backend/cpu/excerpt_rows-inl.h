// The frames of an excerpt as floats. Included once for each instruction set.

#if defined(REPRISE_EXCERPT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_EXCERPT_ROWS_INL_H_
#undef REPRISE_EXCERPT_ROWS_INL_H_
#else
#define REPRISE_EXCERPT_ROWS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backend/cpu/floats.h"
#include "reprise/view.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// to [frames, 12] = from, every row rolled up; to may be from.
inline void roll_rows(const float* from, std::int64_t frames, int roll, float* to) {
  constexpr std::size_t kRow = kPitchClasses * sizeof(float);
  constexpr int kTwice = 2 * kPitchClasses;
  constexpr std::int64_t kRows = 32;  // at a time: no load waits for a store just made
  float twice[kRows * kTwice];        // rows two times: each roll is a run of it
  for (std::int64_t first = 0; first < frames; first += kRows) {
    const std::int64_t rows = std::min(kRows, frames - first);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = from + (first + r) * kPitchClasses;
      std::memcpy(twice + r * kTwice, row, kRow);
      std::memcpy(twice + r * kTwice + kPitchClasses, row, kRow);
    }
    for (std::int64_t r = 0; r < rows; ++r)
      std::memcpy(to + (first + r) * kPitchClasses, twice + r * kTwice + kPitchClasses - roll,
                  kRow);
  }
}

// The frames of an excerpt, rolled, as floats, with `length` zero frames after and kPad floats that
// may be read. Where the chroma has them so, they are not copied.
inline const float* excerpt_rows(ChromaView chroma, const Excerpt& e, int length, Floats& copy) {
  const std::int64_t values = std::int64_t{e.frames} * kPitchClasses;
  const std::int64_t first = e.first * kPitchClasses;
  const bool floats = chroma.type == ChromaType::float32;
  if (floats && e.roll == 0 && e.frames >= length &&
      first + values + kPad <= chroma.frames * kPitchClasses)
    return static_cast<const float*>(chroma.data) + first;
  float* x = copy.resize(values + std::int64_t{length} * kPitchClasses);
  if (floats) {
    std::memcpy(x, static_cast<const float*>(chroma.data) + first, values * sizeof(float));
  } else {
    const std::uint8_t* from = static_cast<const std::uint8_t*>(chroma.data) + first;
    for (std::int64_t i = 0; i < values; ++i) x[i] = static_cast<float>(from[i]) * (1.0f / 255.0f);
  }
  std::fill(x + values, x + values + std::int64_t{length} * kPitchClasses + kPad, 0.0f);
  if (e.roll != 0) roll_rows(x, e.frames, e.roll, x);
  return x;
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_EXCERPT_ROWS_INL_H_
