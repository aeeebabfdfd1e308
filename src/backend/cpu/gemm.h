#pragma once

#include <cblas.h>

#include <algorithm>
#include <cstdint>

#include "backend/cpu/parallel.h"

namespace reprise::cpu {

/// Rows of c that one task computes: fixed, so that results do not depend on the threads.
inline constexpr std::int64_t kGemmRows = 64;

/// c [m, n] = a [m, k] b^T [n, k], or a b [k, n] where `transpose_b` is false. The caller's BLAS
/// runs on one thread (the back end sees to it); blocks of rows are shared out here.
inline void gemm(bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                 const float* b, float* c, int threads) {
  parallel_for((m + kGemmRows - 1) / kGemmRows, threads, [&](std::int64_t block, int) {
    const std::int64_t first = block * kGemmRows;
    const std::int64_t rows = std::min(kGemmRows, m - first);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
                static_cast<blasint>(rows), static_cast<blasint>(n), static_cast<blasint>(k), 1.0f,
                a + first * k, static_cast<blasint>(k), b,
                static_cast<blasint>(transpose_b ? k : n), 0.0f, c + first * n,
                static_cast<blasint>(n));
  });
}

}  // namespace reprise::cpu
