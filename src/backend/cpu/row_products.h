#pragma once

#include <cstdint>

namespace reprise::cpu {

/// s [rows, rows] = z z^T for z [rows, dims]: products on and above the diagonal, the others are
/// their mirror.
void inner_products_of_rows(std::int64_t rows, int dims, const float* z, float* s, int threads);

/// out [rows, dims]: the sums over b of weights[b, a] z_b.
void weighted_sums_of_rows(std::int64_t rows, int dims, const float* weights, const float* z,
                           float* out, int threads);

}  // namespace reprise::cpu
