// Vectors as a scan reads them: quantised rows, each with its scale and with bounds of what the
// quantisation lost.
//
// How far a scan can be from the truth. Let q and c be two vectors, q' and c' what is multiplied in
// their place (the quantised values times the scale). As q.c - q'.c' = q'.(c - c') + (q - q').c,
// Cauchy and Schwarz give
//     q.c <= q'.c' + |q'| |c - c'| + |q - q'| |c|.
// The computed product differs from q'.c' by its rounding, at most `rounding` |q'| |c'|. With norm
// an upper bound of |x| and |x'|, and residual one of |x - x'|,
//     q.c <= computed + norm(q) residual(c) + (residual(q) + rounding norm(q)) norm(c).
// This upper bound is what a scan ranks by: a candidate that is not among the best has a score no
// higher than the least bound among them. The rounding of the bound itself is part of `rounding`:
//     fp32, a chain of n fused operations   n 2^-24 (Higham 2002, sec. 3.1)
//     tensor cores, fp32 sums               n 2^-22: each addition truncates to 23 bits or more,
//     and
//                                           products are exact (Fasi et al. 2021)
//     8-bit                                 sums are exact
// plus 2^-20 for scaling and for adding the three terms.
#pragma once

#include <cuda_bf16.h>

#include <reprise/params.h>

#include "device.h"
#include "launch.h"

namespace reprise {

inline constexpr int kPieceBytes = 16;             // rows are read in pieces of this size
inline constexpr float kTf32Residual = 0x1p-11f;   // |x - x'| / |x|, at most
inline constexpr float kBoundRounding = 0x1p-20f;  // of scaling, and of adding the three terms

struct ScanRows {
  const unsigned char* values = nullptr;  // [count, stride]
  unsigned stride = 0;                    // bytes; a multiple of kPieceBytes, where prepared
  const float* scale = nullptr;           // [count], likewise the next two
  const float* residual = nullptr;
  const float* norm = nullptr;

  /// What prepare_scan wrote to `memory`; where that is null, the vectors themselves.
  __device__ ScanRows(const float* vectors, const void* memory, std::int64_t count, int dims,
                      ScanFormat format) {
    if (memory == nullptr) {
      values = reinterpret_cast<const unsigned char*>(vectors);
      stride = static_cast<unsigned>(sizeof(float)) * dims;
      return;
    }
    values = static_cast<const unsigned char*>(memory);
    stride = static_cast<unsigned>(kernels::scan_stride(dims, format));
    scale = reinterpret_cast<const float*>(values + count * stride);
    residual = scale + count;
    norm = residual + count;
  }

  /// Bytes `at` to `at + 16` of a row. A vector in float may end within the piece, and may lie
  /// anywhere: what is missing is zero.
  template <bool kFloat>
  __device__ int4 piece(unsigned row, unsigned at) const {
    const unsigned char* from = values + std::uint64_t{row} * stride + at;
    if (at >= stride) return make_int4(0, 0, 0, 0);
    if (!kFloat || stride % kPieceBytes == 0) return *reinterpret_cast<const int4*>(from);
    const int* words = reinterpret_cast<const int*>(from);
    return make_int4(words[0], at + 4 < stride ? words[1] : 0, at + 8 < stride ? words[2] : 0,
                     at + 12 < stride ? words[3] : 0);
  }
};

/// A query key's side of the bound.
struct QueryBound {
  float scale, by_residual, by_norm;

  static __device__ QueryBound of(const ScanRows& queries, std::int64_t row, float rounding,
                                  float residual = 0) {
    const float norm = queries.norm[row];
    return {queries.scale[row], norm, queries.residual[row] + (residual + rounding) * norm};
  }

  /// Of the score of a candidate with these `sums` of products.
  __device__ float upper(float sums, float candidate_scale, float residual, float norm) const {
    return sums * (candidate_scale * scale) + by_residual * residual + by_norm * norm;
  }
};

}  // namespace reprise
