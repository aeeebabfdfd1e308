#pragma once

#include <cublas_v2.h>

#include <cstdint>
#include <source_location>
#include <utility>

#include "backend/cuda/memory.h"
#include "backend/cuda/stream.h"
#include "check.h"
#include "reprise/params.h"

namespace reprise::cuda {

using reprise::check;
/// Throws an Error that names the call, its file and its line, unless the status is success.
void check(cublasStatus_t status, const char* call,
           std::source_location where = std::source_location::current());

/// Row-major matrices of a batch, the first and how many values apart they lie; `transposed`: their
/// transposes are multiplied.
struct Operand {
  const float* first;
  std::int64_t distance;
  bool transposed = false;
};

/// Dense products on a stream, by cuBLAS.
class Blas {
 public:
  /// Both streams must outlive it; `aside` is one that captures nothing. Products of float matrices
  /// are in fp32, or in tf32 where `math` is another.
  Blas(const Stream& stream, const Stream& aside, MathMode math);
  Blas(Blas&& other) noexcept
      : workspace_(std::move(other.workspace_)),
        compute_(other.compute_),
        handle_(std::exchange(other.handle_, nullptr)) {}
  Blas& operator=(Blas&& other) noexcept {
    std::swap(workspace_, other.workspace_);
    std::swap(compute_, other.compute_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Blas();

  cublasHandle_t get() const { return handle_; }

  /// c [m, n] = a [m, k] b^T [n, k], all row-major.
  void multiply_transposed(std::int64_t m, int n, int k, const float* a, const float* b,
                           float* c) const;

  /// c [m, n] = a [m, k] b [k, n] for each of `batch`, or that added to c.
  void multiply(int batch, int m, int n, int k, const Operand& a, const Operand& b, float* c,
                std::int64_t c_distance, bool add = false) const;

 private:
  DeviceMemory workspace_;  // of a size that is ours to know
  cublasComputeType_t compute_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace reprise::cuda
