#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace reprise::cpu {

// Floats that the micro kernels may touch past the end.
constexpr std::int64_t kPad = 64;

struct alignas(64) FloatLine {
  float value[16];
};

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
  std::vector<FloatLine> lines_ = std::vector<FloatLine>(1);
};

// The same for large amounts, of any value at first: threads that fill them in turn share the work
// of the system that finds the memory.
class UnsetFloats {
 public:
  float* resize(std::int64_t count) {
    const auto lines = static_cast<std::size_t>(count + kPad + 15) / 16;
    if (lines > size_) {
      lines_.reset();
      lines_ = std::make_unique_for_overwrite<FloatLine[]>(lines);
      size_ = lines;
    }
    return lines_[0].value;
  }

 private:
  std::unique_ptr<FloatLine[]> lines_;
  std::size_t size_ = 0;
};

}  // namespace reprise::cpu
