#pragma once

#include <cstdint>

// Functions that host code and device code share.
#ifdef __CUDACC__
#define REPRISE_HOST_DEVICE __host__ __device__
#else
#define REPRISE_HOST_DEVICE
#endif

namespace reprise {

/// Pitch classes of a chroma frame; column 0 is C.
inline constexpr int kPitchClasses = 12;

enum class ChromaType : std::uint8_t {
  float32,
  uint8,  ///< value / 255
};

/// The frames of many songs one after another: row-major [frames, 12], in the memory of one back
/// end. Does not own.
struct ChromaView {
  const void* data = nullptr;
  ChromaType type = ChromaType::float32;
  std::int64_t frames = 0;

  REPRISE_HOST_DEVICE float at(std::int64_t frame, int pitch_class) const {
    const std::int64_t i = frame * kPitchClasses + pitch_class;
    return type == ChromaType::uint8
               ? static_cast<float>(static_cast<const std::uint8_t*>(data)[i]) * (1.0f / 255.0f)
               : static_cast<const float*>(data)[i];
  }
};

/// What an op works on: rows `first` to `first + frames` of a ChromaView, transposed up by `roll`
/// semitones (column c of the result is column (c - roll) mod 12 of the rows, as numpy.roll does).
struct Excerpt {
  std::int64_t first = 0;
  std::int32_t frames = 0;
  std::int32_t roll = 0;  ///< 0 to 11
};

}  // namespace reprise
