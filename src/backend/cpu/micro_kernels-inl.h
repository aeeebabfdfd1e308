// The two register-tiled products that audio bigrams are made of, forward and backward. Included
// once for each instruction set by Highway's foreach_target.
//
//   correlate  c[j][col] = sum_s a[s][col] b[s][j]     lanes along the columns of a
//   convolve   out[j][t] = sum_r w[r][j] row_r[t]      lanes along t
//
// Columns of a come in chunks of one vector that may lie anywhere and overlap, and the rows of
// convolve are any shifted pointers, so that all lags are one product and nothing is copied. Both
// read up to two vectors past the last column or frame: callers pad their buffers by kPad floats.

#if defined(REPRISE_MICRO_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_MICRO_KERNELS_INL_H_
#undef REPRISE_MICRO_KERNELS_INL_H_
#else
#define REPRISE_MICRO_KERNELS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
constexpr F32 kF32{};
constexpr int kLanes = static_cast<int>(hn::MaxLanes(kF32));

// Rows of a register tile: two vectors wide, it fills the registers of the instruction set
// (32 with AVX-512 and NEON, 16 otherwise) without spilling.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif

// Calls f.template operator()<R>() for the row tiles that make up n rows: f(first row, rows).
template <int R, class F>
HWY_INLINE void tile_rows_of(int first, int rows, F&& f) {
  if constexpr (R > 0) {
    if (rows == R) {
      f.template operator()<R>(first);
    } else {
      tile_rows_of<R - 1>(first, rows, f);
    }
  }
}

template <class F>
HWY_INLINE void for_row_tiles(int n, F&& f) {
  // Even tiles: 16 rows are 8 + 8, not 12 + 4.
  const int tiles = (n + kTileRows - 1) / kTileRows;
  for (int tile = 0, first = 0; tile < tiles; ++tile) {
    const int rows = (n - first + tiles - tile - 1) / (tiles - tile);
    tile_rows_of<kTileRows>(first, rows, f);
    first += rows;
  }
}

// Where the sum of correlate() runs and how far apart its operands lie, in floats.
struct Strides {
  std::int64_t a;      // from term to term
  std::int64_t b;      // from term to term
  std::int64_t b_row;  // from row to row of the result
};

// finish(row, chunk, sum): what becomes of chunk `chunk` of row `row` of the result. Rows of a
// chunk come in ascending order.
template <class Finish>
HWY_INLINE void correlate(const float* const* HWY_RESTRICT chunk, int chunks,
                          const float* HWY_RESTRICT b, Strides stride, std::int64_t terms, int n,
                          Finish&& finish) {
  for (int k = 0; k < chunks; k += 2) {
    const bool two = k + 1 < chunks;
    for_row_tiles(n, [&]<int R>(int first) HWY_ATTR {
      hn::Vec<F32> low[R], high[R];
      for (int r = 0; r < R; ++r) low[r] = high[r] = hn::Zero(kF32);
      const float* HWY_RESTRICT p0 = chunk[k];
      const float* HWY_RESTRICT p1 = chunk[two ? k + 1 : k];
      const float* HWY_RESTRICT pb = b + first * stride.b_row;
      for (std::int64_t s = 0; s < terms; ++s) {
        const auto v0 = hn::LoadU(kF32, p0);
        const auto v1 = hn::LoadU(kF32, p1);
        HWY_UNROLL(12)
        for (int r = 0; r < R; ++r) {
          const auto x = hn::Set(kF32, pb[r * stride.b_row]);
          low[r] = hn::MulAdd(v0, x, low[r]);
          high[r] = hn::MulAdd(v1, x, high[r]);
        }
        p0 += stride.a;
        p1 += stride.a;
        pb += stride.b;
      }
      for (int r = 0; r < R; ++r) {
        finish(first + r, k, low[r]);
        if (two) finish(first + r, k + 1, high[r]);
      }
    });
  }
}

// out [n, out_stride] = w [rows, n]^T times the rows, each read at t = 0 .. frames - 1.
HWY_INLINE void convolve(const float* const* HWY_RESTRICT row, int rows,
                         const float* HWY_RESTRICT w, int n, std::int64_t frames,
                         float* HWY_RESTRICT out, std::int64_t out_stride) {
  for (std::int64_t t = 0; t < frames; t += 2 * kLanes) {
    for_row_tiles(n, [&]<int R>(int first) HWY_ATTR {
      hn::Vec<F32> low[R], high[R];
      for (int r = 0; r < R; ++r) low[r] = high[r] = hn::Zero(kF32);
      const float* HWY_RESTRICT pw = w + first;
      for (int i = 0; i < rows; ++i, pw += n) {
        const auto v0 = hn::LoadU(kF32, row[i] + t);
        const auto v1 = hn::LoadU(kF32, row[i] + t + kLanes);
        HWY_UNROLL(12)
        for (int r = 0; r < R; ++r) {
          const auto s = hn::Set(kF32, pw[r]);
          low[r] = hn::MulAdd(v0, s, low[r]);
          high[r] = hn::MulAdd(v1, s, high[r]);
        }
      }
      for (int r = 0; r < R; ++r) {
        float* to = out + (first + r) * out_stride + t;
        hn::StoreU(low[r], kF32, to);
        hn::StoreU(high[r], kF32, to + kLanes);
      }
    });
  }
}

HWY_INLINE float dot(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::int64_t n) {
  auto s0 = hn::Zero(kF32), s1 = hn::Zero(kF32);
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    s0 = hn::MulAdd(hn::LoadU(kF32, a + i), hn::LoadU(kF32, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(kF32, a + i + kLanes), hn::LoadU(kF32, b + i + kLanes), s1);
  }
  float rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return hn::GetLane(hn::SumOfLanes(kF32, hn::Add(s0, s1))) + rest;
}

HWY_INLINE float sum(const float* HWY_RESTRICT a, std::int64_t n) {
  auto s0 = hn::Zero(kF32);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) s0 = hn::Add(s0, hn::LoadU(kF32, a + i));
  float rest = 0;
  for (; i < n; ++i) rest += a[i];
  return hn::GetLane(hn::SumOfLanes(kF32, s0)) + rest;
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_MICRO_KERNELS_INL_H_
