// Products of one warp: a 16 x 16 tile of sums over fp32, tf32, bfloat16 or 8-bit operands.
//
// Operands lie in shared or global memory, at addresses that are multiples of 32 bytes and with row
// strides that are multiples of 16 bytes. Every lane of the warp must call every member. Loads and
// stores order nothing among lanes: a __syncwarp or __syncthreads stands between a tile's writer
// and its reader.
#pragma once

#include <cuda_bf16.h>
#include <mma.h>

#include "device.h"

namespace reprise {

inline constexpr int kTile = 16;  // rows and columns of a tile of sums

/// Operands in fp32, multiplied without tensor cores.
struct Fp32 {
  using Storage = float;
  using Sum = float;
  static constexpr int kDepth = 8;         // terms that one step adds to every sum
  static constexpr int kTilesPerWarp = 4;  // of sums that the registers hold with ease
  static __device__ Storage round(float value) { return value; }
};

/// Operands in tf32: stored as float, rounded to 10 bits of mantissa.
struct Tf32 {
  using Storage = float;
  using Sum = float;
  using Element = nvcuda::wmma::precision::tf32;
  static constexpr int kDepth = 8;
  static constexpr int kTilesPerWarp = 8;
  static __device__ Storage round(float value) { return nvcuda::wmma::__float_to_tf32(value); }
};

/// Operands in bfloat16: 7 bits of mantissa, the range of float.
struct Bf16 {
  using Storage = __nv_bfloat16;
  using Sum = float;
  using Element = __nv_bfloat16;
  static constexpr int kDepth = 16;
  static constexpr int kTilesPerWarp = 8;
  static __device__ Storage round(float value) { return __float2bfloat16(value); }
};

/// Operands in signed bytes, summed in integers.
struct Int8 {
  using Storage = signed char;
  using Sum = int;
  using Element = signed char;
  static constexpr int kDepth = 16;
};

/// Element (row, column) of an operand lies at row * stride + column, or with ByColumns at
/// column * stride + row.
using ByRows = nvcuda::wmma::row_major;
using ByColumns = nvcuda::wmma::col_major;

/// The left operand [16, kDepth] of a product.
template <typename Precision, typename Layout>
struct LeftTile {
  nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, kTile, kTile, Precision::kDepth,
                         typename Precision::Element, Layout>
      fragment;
  __device__ void load(const typename Precision::Storage* tile, unsigned stride) {
    nvcuda::wmma::load_matrix_sync(fragment, tile, stride);
  }
};

/// The right operand [kDepth, 16] of a product.
template <typename Precision, typename Layout>
struct RightTile {
  nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, kTile, kTile, Precision::kDepth,
                         typename Precision::Element, Layout>
      fragment;
  __device__ void load(const typename Precision::Storage* tile, unsigned stride) {
    nvcuda::wmma::load_matrix_sync(fragment, tile, stride);
  }
};

/// Sums [16, 16], held in the registers of one warp.
template <typename Precision>
struct TileSums {
  using Sum = typename Precision::Sum;
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kTile, kTile, Precision::kDepth, Sum> sums;

  __device__ void clear() { nvcuda::wmma::fill_fragment(sums, Sum{0}); }

  template <typename LayoutA, typename LayoutB>
  __device__ void add_product(const LeftTile<Precision, LayoutA>& a,
                              const RightTile<Precision, LayoutB>& b) {
    nvcuda::wmma::mma_sync(sums, a.fragment, b.fragment, sums);
  }

  /// out [16, 16] by rows.
  __device__ void store(Sum* out, unsigned stride) const {
    nvcuda::wmma::store_matrix_sync(out, sums, stride, nvcuda::wmma::mem_row_major);
  }
};

// In fp32 an operand stays where it is, and a lane sums half a row: row lane / 2, columns
// 8 (lane % 2) to 8 (lane % 2) + 7.

template <typename Layout>
struct Fp32Operand {
  const float* tile = nullptr;
  unsigned stride = 0;
  __device__ void load(const float* from, unsigned row_stride) {
    tile = from;
    stride = row_stride;
  }
  __device__ float at(int row, int column) const {
    return std::is_same_v<Layout, ByRows> ? tile[row * stride + column]
                                          : tile[column * stride + row];
  }
};

template <typename Layout>
struct LeftTile<Fp32, Layout> : Fp32Operand<Layout> {};
template <typename Layout>
struct RightTile<Fp32, Layout> : Fp32Operand<Layout> {};

template <>
struct TileSums<Fp32> {
  float sums[8];

  static __device__ int row() { return threadIdx.x % kWarpThreads / 2; }
  static __device__ int column() { return threadIdx.x % 2 * 8; }

  __device__ void clear() {
    for (float& sum : sums) sum = 0;
  }

  template <typename LayoutA, typename LayoutB>
  __device__ void add_product(const LeftTile<Fp32, LayoutA>& a, const RightTile<Fp32, LayoutB>& b) {
#pragma unroll 2  // more would spill where a warp holds many tiles
    for (int k = 0; k < Fp32::kDepth; ++k) {
      const float left = a.at(row(), k);
#pragma unroll
      for (int c = 0; c < 8; ++c) sums[c] += left * b.at(k, column() + c);
    }
  }

  __device__ void store(float* out, unsigned stride) const {
    for (int c = 0; c < 8; ++c) out[row() * stride + column() + c] = sums[c];
  }
};

/// Sums over a whole song: settle() is called every few terms.
template <typename Precision>
struct LongTileSums : TileSums<Precision> {
  __device__ void settle() {}
};

// In fp32, short sums are added with their rounding error kept (Knuth's two-sum), so that a sum
// over a whole song is as good as one rounding. In tf32 and bfloat16 the operands' rounding
// outweighs it.
template <>
struct LongTileSums<Fp32> : TileSums<Fp32> {
  float settled[8];
  float lost[8];  // by rounding in `settled`

  __device__ void clear() {
    for (int c = 0; c < 8; ++c) sums[c] = settled[c] = lost[c] = 0;
  }

  __device__ void settle() {
    for (int c = 0; c < 8; ++c) {
      const float total = settled[c] + sums[c], added = total - settled[c];
      lost[c] += (settled[c] - (total - added)) + (sums[c] - added);
      settled[c] = total;
      sums[c] = 0;
    }
  }

  __device__ void store(float* out, unsigned stride) const {
    for (int c = 0; c < 8; ++c) {
      out[row() * stride + column() + c] = settled[c] + (lost[c] + sums[c]);
    }
  }
};

}  // namespace reprise
