#include "backend/cuda/fourier.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>
#include <source_location>

#include "reprise/error.h"

namespace reprise::cuda {
namespace {

void check(cufftResult result, const char* call,
           std::source_location where = std::source_location::current()) {
  if (result == CUFFT_SUCCESS) return;
  throw MachineError(fmt::format(
      "{}:{}: {}: cuFFT status {}{}", where.file_name(), where.line(), call,
      static_cast<int>(result),
      result == CUFFT_SETUP_FAILED
          ? ": is the library installed? Install cuFFT, or add its folder to LD_LIBRARY_PATH"
          : ""));
}

}  // namespace

Fourier::Fourier(const Stream& stream, std::vector<int> extents, int distance, int batch) {
  std::vector<int> half = extents;
  half.back() = half.back() / 2 + 1;
  const int size = std::accumulate(half.begin(), half.end(), 1, std::multiplies<>());
  check(cufftPlanMany(&plan_, static_cast<int>(extents.size()), extents.data(), extents.data(), 1,
                      distance, half.data(), 1, size, CUFFT_R2C, batch),
        "cufftPlanMany");
  made_ = true;
  check(cufftSetStream(plan_, stream.get()), "cufftSetStream");
}

Fourier::~Fourier() {
  if (made_) cufftDestroy(plan_);
}

void Fourier::transform(const float* arrays, float* spectrum) const {
  // An out-of-place real-to-complex transform leaves its input as it is.
  check(cufftExecR2C(plan_, const_cast<float*>(arrays), reinterpret_cast<cufftComplex*>(spectrum)),
        "cufftExecR2C");
}

}  // namespace reprise::cuda
