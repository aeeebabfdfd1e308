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

// to [rows, 12] = from, every row (a band of a frame) rolled up; to may be from.
inline void roll_rows(const float* from, std::int64_t count, int roll, float* to) {
  constexpr std::size_t kRow = kPitchClasses * sizeof(float);
  constexpr int kTwice = 2 * kPitchClasses;
  constexpr std::int64_t kRows = 32;  // at a time: no load waits for a store just made
  float twice[kRows * kTwice];        // rows two times: each roll is a run of it
  for (std::int64_t first = 0; first < count; first += kRows) {
    const std::int64_t rows = std::min(kRows, count - first);
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

// The frames of an excerpt [frames, 12 * bands], rolled, as floats, one after another, with
// `length` zero frames after and kPad floats that may be read. Where the chroma has them so, they
// are not copied.
inline const float* excerpt_rows(ChromaView chroma, const Excerpt& e, int length, Floats& copy) {
  const std::int64_t width = chroma.width(), values = e.frames * width;
  const bool floats = chroma.type == ChromaType::float32, dense = chroma.stride == width;
  if (floats && dense && e.roll == 0 && e.frames >= length &&
      e.first * width + values + kPad <= chroma.frames * width)
    return static_cast<const float*>(chroma.address(e.first * width));
  float* x = copy.resize(values + length * width);
  const std::int64_t runs = dense ? 1 : e.frames, run = dense ? values : width;
  for (std::int64_t r = 0; r < runs; ++r) {
    const void* from = chroma.address((e.first + r) * chroma.stride);
    float* to = x + r * run;
    if (floats) {
      std::memcpy(to, from, static_cast<std::size_t>(run) * sizeof(float));
    } else {
      const auto* bytes = static_cast<const std::uint8_t*>(from);
      for (std::int64_t i = 0; i < run; ++i) to[i] = static_cast<float>(bytes[i]) * (1.0f / 255.0f);
    }
  }
  std::fill(x + values, x + values + length * width + kPad, 0.0f);
  if (e.roll != 0) roll_rows(x, std::int64_t{e.frames} * chroma.bands, e.roll, x);
  return x;
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_EXCERPT_ROWS_INL_H_
