#pragma once

#include <cufft.h>

#include <utility>
#include <vector>

#include "backend/cuda/stream.h"

namespace reprise::cuda {

/// Real-to-complex transforms of `batch` arrays [extents] that may overlap, `distance` values
/// apart, by cuFFT. Each result is dense, its last extent half of the array's plus 1.
class Fourier {
 public:
  Fourier(const Stream& stream, std::vector<int> extents, int distance, int batch);
  Fourier(Fourier&& other) noexcept
      : plan_(other.plan_), made_(std::exchange(other.made_, false)) {}
  Fourier& operator=(Fourier&& other) noexcept {
    std::swap(plan_, other.plan_);
    std::swap(made_, other.made_);
    return *this;
  }
  ~Fourier();

  /// spectrum: complex.
  void transform(const float* arrays, float* spectrum) const;

 private:
  cufftHandle plan_ = 0;
  bool made_ = false;
};

}  // namespace reprise::cuda
