#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reprise::cpu {

// Floats that the micro kernels may touch past the end.
constexpr std::int64_t kPad = 64;

// Floats that start a cache line, with kPad behind them: a vector load touches one line wherever
// rows are whole vectors.
class Floats {
 public:
  float* resize(std::int64_t count) {
    lines_.resize(static_cast<std::size_t>(count + kPad + 15) / 16);
    return lines_[0].value;
  }
  float* data() { return lines_[0].value; }

 private:
  struct alignas(64) Line {
    float value[16];
  };
  std::vector<Line> lines_ = std::vector<Line>(1);
};

}  // namespace reprise::cpu
