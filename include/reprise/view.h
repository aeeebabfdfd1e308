#pragma once

#include <cstdint>

// Functions that host code and device code share.
#ifdef __CUDACC__
#define REPRISE_HOST_DEVICE __host__ __device__
#else
#define REPRISE_HOST_DEVICE
#endif

namespace reprise {

/// Pitch classes of a band of chroma; its column 0 is C.
inline constexpr int kPitchClasses = 12;
/// Most bands of a frame.
inline constexpr int kMaxBands = 8;

enum class ChromaType : std::uint8_t {
  float32,
  uint8,  ///< value / 255
};

/// The frames of many songs one after another: row-major [frames, 12 * bands], in the memory of one
/// back end. Columns 12 b to 12 b + 11 are band b: the chroma of a part of what sounds, such as the
/// bass. Does not own.
struct ChromaView {
  const void* data = nullptr;
  ChromaType type = ChromaType::float32;
  std::int64_t frames = 0;
  std::int32_t bands = 1;               ///< 1 to kMaxBands
  std::int32_t stride = kPitchClasses;  ///< values from a row to the next, width() or more

  REPRISE_HOST_DEVICE int width() const { return bands * kPitchClasses; }

  REPRISE_HOST_DEVICE float at(std::int64_t frame, int column) const {
    const std::int64_t i = frame * stride + column;
    return type == ChromaType::uint8
               ? static_cast<float>(static_cast<const std::uint8_t*>(data)[i]) * (1.0f / 255.0f)
               : static_cast<const float*>(data)[i];
  }

  /// The same rows from `frame` on.
  REPRISE_HOST_DEVICE ChromaView from(std::int64_t frame) const {
    return {address(frame * stride), type, frames - frame, bands, stride};
  }
  /// One band of the same rows.
  REPRISE_HOST_DEVICE ChromaView band(int b) const {
    return {address(b * kPitchClasses), type, frames, 1, stride};
  }

  /// Where a value lies, counted from the first.
  REPRISE_HOST_DEVICE const void* address(std::int64_t value) const {
    const std::int64_t bytes = type == ChromaType::uint8 ? 1 : std::int64_t{sizeof(float)};
    return static_cast<const std::uint8_t*>(data) + value * bytes;
  }
};

/// What an op works on: rows `first` to `first + frames` of a ChromaView, transposed up by `roll`
/// semitones: column c of each band of the result is column (c - roll) mod 12 of the same band, as
/// numpy.roll does with one band.
struct Excerpt {
  std::int64_t first = 0;
  std::int32_t frames = 0;
  std::int32_t roll = 0;  ///< 0 to 11
};

/// Column of the rows that a column of them, rolled up, comes from.
REPRISE_HOST_DEVICE inline int rolled_from(int column, int roll) {
  const int pitch_class = column % kPitchClasses;
  return column - pitch_class + (pitch_class + kPitchClasses - roll) % kPitchClasses;
}

}  // namespace reprise
