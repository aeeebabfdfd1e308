#include "backend/cuda/blas.h"

#include <fmt/format.h>

#include <algorithm>

#include "reprise/error.h"

namespace reprise::cuda {
namespace {

constexpr std::int64_t kRows = std::int64_t{1} << 20;  // of a product: sizes are 32-bit

// NVIDIA's advice for Hopper is 32 MiB; a device that has less than 8 GB gives a share of its
// memory. Not of what is free: the products would not be the same from run to run.
std::size_t workspace_bytes() {
  std::size_t left = 0, all = 0;
  check(cudaMemGetInfo(&left, &all), "cudaMemGetInfo");
  return std::min(std::size_t{32} << 20, all / 256);
}

}  // namespace

void check(cublasStatus_t status, const char* call, std::source_location where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw MachineError(fmt::format("{}:{}: {}: {}", where.file_name(), where.line(), call,
                                 cublasGetStatusString(status)));
}

Blas::Blas(const Stream& stream, const Stream& aside, MathMode math)
    : workspace_(aside, workspace_bytes()),
      compute_(math == MathMode::fp32 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_FAST_TF32) {
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

// In column-major terms: c^T [n, m] = b^T [n, k] a^T [k, m], and what is row-major is transposed.
void Blas::multiply(int batch, int m, int n, int k, const Operand& a, const Operand& b, float* c,
                    std::int64_t c_distance, bool add) const {
  const float one = 1, kept = add ? 1 : 0;
  const auto operation = [](const Operand& x) { return x.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  check(cublasGemmStridedBatchedEx(handle_, operation(b), operation(a), n, m, k, &one, b.first,
                                   CUDA_R_32F, b.transposed ? k : n, b.distance, a.first,
                                   CUDA_R_32F, a.transposed ? m : k, a.distance, &kept, c,
                                   CUDA_R_32F, n, c_distance, batch, compute_, CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx");
}

}  // namespace reprise::cuda
