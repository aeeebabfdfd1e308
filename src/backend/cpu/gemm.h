#pragma once

#include <cblas.h>

#include <algorithm>
#include <cstdint>

#include "backend/cpu/parallel.h"
#include "blas/one_thread.h"

namespace reprise::cpu {

/// Rows and columns of c that one task computes: fixed, so that results do not depend on the
/// threads.
inline constexpr std::int64_t kGemmRows = 64;
inline constexpr std::int64_t kGemmColumns = 512;

/// A block of a product, c [rows, columns] = a [rows, k] b^T [columns, k], or a b [k, columns]
/// where `transpose_b` is false. The op that calls it, on any of its threads, holds a
/// OneBlasThread.
inline void gemm_block(bool transpose_b, std::int64_t rows, std::int64_t columns, std::int64_t k,
                       const float* a, const float* b, std::int64_t b_stride, float* c,
                       std::int64_t c_stride) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
              static_cast<blasint>(rows), static_cast<blasint>(columns), static_cast<blasint>(k),
              1.0f, a, static_cast<blasint>(k), b, static_cast<blasint>(b_stride), 0.0f, c,
              static_cast<blasint>(c_stride));
}

/// c [m, n] = a [m, k] b^T [n, k], or a b [k, n] where `transpose_b` is false; blocks of c are
/// shared out.
inline void gemm(bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                 const float* b, float* c, int threads) {
  const OneBlasThread one_thread;  // blocks do not depend on the number of threads
  const std::int64_t across = (n + kGemmColumns - 1) / kGemmColumns;
  parallel_for((m + kGemmRows - 1) / kGemmRows * across, threads, [&](std::int64_t block, int) {
    const std::int64_t row = block / across * kGemmRows, column = block % across * kGemmColumns;
    gemm_block(transpose_b, std::min(kGemmRows, m - row), std::min(kGemmColumns, n - column), k,
               a + row * k, transpose_b ? b + column * k : b + column, transpose_b ? k : n,
               c + row * n + column, n);
  });
}

}  // namespace reprise::cpu
