#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct kiss_fftr_state;

namespace reprise {

/// A Hann window, scaled so that a sine of amplitude 1 on one of the transform's frequencies has
/// power 1 there.
std::vector<float> hann_window(std::int64_t window);

/// Power spectrum of a window of real samples, weighted with hann_window().
class RealTransform {
 public:
  /// window: even.
  explicit RealTransform(std::int64_t window);

  std::int64_t window() const { return static_cast<std::int64_t>(hann_.size()); }
  /// Of x [window], at the transform's frequencies first to last (of 0 to window / 2): values
  /// outside of them are not defined. Overwritten by the next call.
  std::span<const float> power(const float* x, std::int64_t first, std::int64_t last);

 private:
  std::unique_ptr<kiss_fftr_state, void (*)(kiss_fftr_state*)> state_;
  std::vector<float> hann_, windowed_, power_;
  std::vector<std::complex<float>> transformed_;
};

}  // namespace reprise
