#pragma once

#include <cstdint>

#include "reprise/params.h"

namespace reprise::cpu {

/// s [rows, rows] = z z^T for z [rows, dims]: products on and above the diagonal, the others are
/// their mirror. MathMode::bf16 needs bfloat16_products(); values are then rounded to bfloat16,
/// sums are not.
void inner_products_of_rows(std::int64_t rows, int dims, const float* z, float* s, int threads,
                            MathMode math = MathMode::fp32);

/// out [rows, dims]: the sums over b of weights[b, a] z_b.
void weighted_sums_of_rows(std::int64_t rows, int dims, const float* weights, const float* z,
                           float* out, int threads, MathMode math = MathMode::fp32);

/// Whether this machine has instructions for products of bfloat16.
bool bfloat16_products();

void bfloat16_inner_products_of_rows(std::int64_t rows, int dims, const float* z, float* s,
                                     int threads);
void bfloat16_weighted_sums_of_rows(std::int64_t rows, int dims, const float* weights,
                                    const float* z, float* out, int threads);

}  // namespace reprise::cpu
