#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "reprise/view.h"

namespace reprise {

/// Chroma as a view may find it in memory: of either type, its rows dense or apart. What lies
/// between the rows is NaN or 255: an op that uses it shows.
class ChromaLayout {
 public:
  /// values [frames, 12 * bands], from 0 to 1.
  ChromaLayout(const std::vector<float>& values, int bands, ChromaType type, int apart)
      : bands_(bands), stride_(bands * kPitchClasses + apart), type_(type) {
    const std::int64_t width = std::int64_t{bands} * kPitchClasses;
    frames_ = static_cast<std::int64_t>(values.size()) / width;
    floats_.assign(frames_ * stride_, std::numeric_limits<float>::quiet_NaN());
    bytes_.assign(frames_ * stride_, 255);
    for (std::int64_t t = 0; t < frames_; ++t)
      for (std::int64_t c = 0; c < width; ++c) {
        const float value = values[t * width + c];
        floats_[t * stride_ + c] = value;
        bytes_[t * stride_ + c] = static_cast<std::uint8_t>(std::lround(value * 255));
      }
  }

  ChromaView view() const {
    const void* data = type_ == ChromaType::uint8 ? static_cast<const void*>(bytes_.data())
                                                  : static_cast<const void*>(floats_.data());
    return {data, type_, frames_, bands_, stride_};
  }
  std::string name() const {
    return std::to_string(bands_) + (type_ == ChromaType::uint8 ? " of bytes" : " of floats") +
           ", rows of " + std::to_string(stride_);
  }

 private:
  std::int32_t bands_, stride_;
  ChromaType type_;
  std::int64_t frames_ = 0;
  std::vector<float> floats_;
  std::vector<std::uint8_t> bytes_;
};

/// Every layout of the same chroma [frames, 12 * bands].
inline std::vector<ChromaLayout> chroma_layouts(const std::vector<float>& values, int bands) {
  std::vector<ChromaLayout> layouts;
  for (const ChromaType type : {ChromaType::float32, ChromaType::uint8})
    for (const int apart : {0, 1, 24}) layouts.emplace_back(values, bands, type, apart);
  return layouts;
}

}  // namespace reprise
