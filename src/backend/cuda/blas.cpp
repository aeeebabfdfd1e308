#include "backend/cuda/blas.h"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/error.h"

namespace reprise::cuda {
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;  // NVIDIA's advice for Hopper
constexpr std::int64_t kRows = std::int64_t{1} << 20;      // of a product: sizes are 32-bit

}  // namespace

void check(cublasStatus_t status, const char* call, std::source_location where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(fmt::format("{}:{}: {}: {}", where.file_name(), where.line(), call,
                          cublasGetStatusString(status)));
}

Blas::Blas(const Stream& stream, const Stream& aside, Arithmetic arithmetic)
    : workspace_(aside, kWorkspace),
      compute_(arithmetic == Arithmetic::fp32 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_FAST_TF32) {
  aside.wait();  // for the memory to be there
  check(cublasCreate(&handle_), "cublasCreate");
  check(cublasSetStream(handle_, stream.get()), "cublasSetStream");
  check(cublasSetWorkspace(handle_, workspace_.data(), workspace_.bytes()), "cublasSetWorkspace");
}

Blas::~Blas() {
  if (handle_) cublasDestroy(handle_);
}

// In column-major terms: c^T [n, m] = b [k, n]^T a [k, m].
void Blas::multiply_transposed(std::int64_t m, int n, int k, const float* a, const float* b,
                               float* c) const {
  const float one = 1, zero = 0;
  for (std::int64_t first = 0; first < m; first += kRows) {
    const auto rows = static_cast<int>(std::min(kRows, m - first));
    check(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, n, rows, k, &one, b, CUDA_R_32F, k,
                       a + first * k, CUDA_R_32F, k, &zero, c + first * n, CUDA_R_32F, n, compute_,
                       CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
  }
}

// In column-major terms: c^T [n, n] = b^T [n, k] a [k, n].
void Blas::correlate(int batch, int n, int k, const float* a, const float* b, std::int64_t distance,
                     float* c, std::int64_t c_distance) const {
  const float one = 1, zero = 0;
  check(cublasGemmStridedBatchedEx(handle_, CUBLAS_OP_N, CUBLAS_OP_T, n, n, k, &one, b, CUDA_R_32F,
                                   n, distance, a, CUDA_R_32F, n, distance, &zero, c, CUDA_R_32F, n,
                                   c_distance, batch, compute_, CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx");
}

}  // namespace reprise::cuda
