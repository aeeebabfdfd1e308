// Correlation over time at several delays at once. Included once for each instruction set.

#if defined(REPRISE_DELAYED_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_DELAYED_PRODUCT_INL_H_
#undef REPRISE_DELAYED_PRODUCT_INL_H_
#else
#define REPRISE_DELAYED_PRODUCT_INL_H_
#endif

#include <algorithm>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/micro_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// One product of correlate(): the rows of one sequence of frames, `delay` frames on, with those of
// another.
class DelayedProduct {
 public:
  DelayedProduct(const float* a, const float* with, int n, const std::vector<int>& delays,
                 Floats& memory)
      : with_(with), n_(n), delays_(delays) {
    // Delays that follow each other are one run of columns. A vector may join the end of one run
    // and the beginning of the next.
    const int count = static_cast<int>(delays.size());
    for (int d = 0, used = kLanes; d < count;) {
      int run = 1;
      while (d + run < count && delays[d + run] == delays[d] + run) ++run;
      const float* first = a + std::int64_t{delays[d]} * n;
      const int width = run * n;
      const bool join = used < kLanes && columns_.back().lanes == kLanes;
      int column = join ? kLanes - used : 0;  // of the run, that begins a vector
      const int start = static_cast<int>(columns_.size()) * kLanes - column;
      for (int i = 0; i < run; ++i) starts_.push_back(start + i * n);
      if (join) columns_.back() = {columns_.back().first, first - used, used};
      for (; column < width; column += kLanes)
        columns_.push_back({first + column, first + column, kLanes});
      used = width - (column - kLanes);
      d += run;
    }
    stride_ = static_cast<std::int64_t>(columns_.size()) * kLanes;
    c_ = memory.resize(n * stride_);
  }

  // Sums over `frames` frames, by even blocks: rounding grows with the root of the length only, and
  // a block stays in the first cache, yet is long beside the start and the end of a tile.
  void run(std::int64_t frames) {
    const std::int64_t blocks = (frames + kBlock - 1) / kBlock;
    for (std::int64_t i = 0, t = 0; i < blocks; ++i) {
      const std::int64_t end = frames * (i + 1) / blocks;
      run_block(end - t, t > 0);
      t = end;
    }
  }

  // Row j of the matrix of a delay is at of(delay) + j * stride().
  const float* of(int delay) const {
    return c_ + starts_[std::lower_bound(delays_.begin(), delays_.end(), delay) - delays_.begin()];
  }
  std::int64_t stride() const { return stride_; }

 private:
  static constexpr std::int64_t kBlock = 96;  // frames, at most

  void run_block(std::int64_t frames, bool add) {
    correlate(columns_.data(), static_cast<int>(columns_.size()), n_, with_, n_, 1, frames, n_, c_,
              stride_, add);
    with_ += frames * n_;
    for (Columns& v : columns_) {
      v.first += frames * n_;
      v.second += frames * n_;
    }
  }

  const float* with_;
  int n_;
  const std::vector<int>& delays_;
  std::vector<Columns> columns_;
  std::vector<int> starts_;  // column of each delay
  std::int64_t stride_;
  float* c_;
};

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_DELAYED_PRODUCT_INL_H_
