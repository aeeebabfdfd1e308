// The register-tiled products that audio bigrams are made of, forward and backward. Included once
// for each instruction set by Highway's foreach_target.
//
//   correlate       c[j][col] = sum_s a[s][col] b[s][j]     lanes along the columns of a
//   convolve        out[j][t] = sum_r w[r][j] row_r[t]      lanes along t
//   inner_products  out[a][b] = sum_s x_a[s] y_b[s]         lanes along s
//
// These three are many tiles each and compiled once, in micro_kernels.cpp.
// Columns of a and rows of convolve are pointers that may lie anywhere and overlap, so that all
// lags are one product and nothing is copied. A tile keeps its sums in registers and has more
// multiply-adds than loads: the multipliers bind, not the cache. All read up to two vectors past
// the last column or frame: callers pad their buffers by kPad floats.

#if defined(REPRISE_MICRO_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_MICRO_KERNELS_INL_H_
#undef REPRISE_MICRO_KERNELS_INL_H_
#else
#define REPRISE_MICRO_KERNELS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
using Vec = hn::Vec<F32>;
constexpr F32 kF32{};
constexpr int kLanes = static_cast<int>(hn::MaxLanes(kF32));

// Sums that a tile keeps: with its operands they fill the registers of the instruction set (32 with
// AVX-512 and NEON, 16 otherwise) without spilling.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTileSums = 24;
constexpr int kTileVectors = 4;
#else
constexpr int kTileSums = 12;
constexpr int kTileVectors = 3;
#endif
constexpr int tile_rows(int vectors) {
  return std::min(12, kTileSums / vectors);
}

// Calls f.template operator()<K>(), K = value, for a value from 1 to Most.
template <int Most, class F>
HWY_INLINE void with_constant(int value, F&& f) {
  if constexpr (Most > 0) {
    if (value == Most) {
      f.template operator()<Most>();
    } else {
      with_constant<Most - 1>(value, f);
    }
  }
}

// Calls f.template operator()<size>(first) for even pieces of at most Most that make up `total`:
// 16 are 8 + 8, not 12 + 4.
template <int Most, class F>
HWY_INLINE void for_even_pieces(int total, F&& f) {
  const int pieces = (total + Most - 1) / Most;
  for (int piece = 0, first = 0; piece < pieces; ++piece) {
    const int size = (total - first + pieces - piece - 1) / (pieces - piece);
    with_constant<Most>(size, [&]<int Size>() HWY_ATTR { f.template operator()<Size>(first); });
    first += size;
  }
}

// One vector of columns: the first `lanes` from `first`, the others from `second`, which counts
// from lane 0 too.
struct Columns {
  const float* first;
  const float* second;
  int lanes;
};

/// out [rows, out_stride]: the products, or (add) themselves added to what is there. Column `col`
/// of the result is lane col % kLanes of columns[col / kLanes]; a[s][col] lies s * a_stride on, and
/// b[s][j] at b[s * b_stride + j * row_stride]. Whole vectors are written.
void correlate(const Columns* columns, int vectors, std::int64_t a_stride, const float* b,
               std::int64_t b_stride, std::int64_t row_stride, std::int64_t terms, int rows,
               float* out, std::int64_t out_stride, bool add);

/// out [n, out_stride] = w [rows, n]^T times the rows, each read at t = 0 .. frames - 1. Whole
/// vectors are written. `packed` holds rows * tile_rows(2) floats, and a vector.
void convolve(const float* const* row, int rows, const float* w, int n, std::int64_t frames,
              float* out, std::int64_t out_stride, float* packed);

/// out [as, out_stride]: the products of every x_a with every y_b, each of `terms` floats. Terms
/// past the last whole vector are masked out.
void inner_products(const float* x, int as, std::int64_t x_stride, const float* const* y, int bs,
                    std::int64_t terms, float* out, std::int64_t out_stride);

template <int V, int R>
HWY_INLINE void convolve_tile(const float* const* HWY_RESTRICT row, int rows,
                              const float* HWY_RESTRICT w, std::int64_t w_stride, std::int64_t t,
                              float* HWY_RESTRICT out, std::int64_t out_stride) {
  Vec sum[R][V];
  HWY_UNROLL(12)
  for (int r = 0; r < R; ++r) {
    HWY_UNROLL(2)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(kF32);
  }
  for (int i = 0; i < rows; ++i, w += w_stride) {
    Vec x[V];
    HWY_UNROLL(2)
    for (int v = 0; v < V; ++v) x[v] = hn::LoadU(kF32, row[i] + t + v * kLanes);
    HWY_UNROLL(12)
    for (int r = 0; r < R; ++r) {
      const Vec s = hn::Set(kF32, w[r]);
      HWY_UNROLL(2)
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(x[v], s, sum[r][v]);
    }
  }
  HWY_UNROLL(12)
  for (int r = 0; r < R; ++r) {
    HWY_UNROLL(2)
    for (int v = 0; v < V; ++v) hn::StoreU(sum[r][v], kF32, out + r * out_stride + t + v * kLanes);
  }
}

#if HWY_TARGET != HWY_SCALAR
// In each group of four lanes: v[q] lane p becomes v[p] lane q.
HWY_INLINE void transpose_fours(Vec v[4]) {
  const hn::Repartition<double, F32> pairs;
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(kF32, v[0], v[1]));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(kF32, v[2], v[3]));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(kF32, v[0], v[1]));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(kF32, v[2], v[3]));
  v[0] = hn::BitCast(kF32, hn::InterleaveLower(pairs, low01, low23));
  v[1] = hn::BitCast(kF32, hn::InterleaveUpper(pairs, low01, low23));
  v[2] = hn::BitCast(kF32, hn::InterleaveLower(pairs, high01, high23));
  v[3] = hn::BitCast(kF32, hn::InterleaveUpper(pairs, high01, high23));
}

// Four floats of each of row(first), row(first + 4), ...
template <class D, class Row>
HWY_INLINE hn::Vec<D> load_fours(D d, const Row& row, int first) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    return hn::LoadU(d, row(first));
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_fours(half, row, first + int(hn::MaxLanes(half))),
                       load_fours(half, row, first));
  }
}
template <class D>
HWY_INLINE void store_fours(D d, hn::Vec<D> v, float* to, std::int64_t stride) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    hn::StoreU(v, d, to);
  } else {
    const hn::Half<D> half;
    store_fours(half, hn::LowerHalf(half, v), to, stride);
    store_fours(half, hn::UpperHalf(half, v), to + std::int64_t(hn::MaxLanes(half) / 4) * stride,
                stride);
  }
}
#endif

// to [columns, kLanes]: lane r of column i is row(r)[i]. Reads whole fours of columns.
template <class Row>
HWY_INLINE void gather_lanes(const Row& row, int columns, float* HWY_RESTRICT to) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < columns; ++i) to[i] = row(0)[i];
#else
  for (int i = 0; i < columns; i += 4) {
    Vec v[4];
    for (int q = 0; q < 4; ++q)
      v[q] = load_fours(
          kF32, [&](int r) HWY_ATTR { return row(r) + i; }, q);
    transpose_fours(v);
    for (int q = 0; q < 4; ++q) hn::StoreU(v[q], kF32, to + (i + q) * kLanes);
  }
#endif
}

// to [columns, to_stride] = from [rows, from_stride]^T. Reads up to kLanes rows and four columns
// more, and writes up to a vector behind the last row.
HWY_INLINE void transpose(const float* HWY_RESTRICT from, std::int64_t rows,
                          std::int64_t from_stride, std::int64_t columns, float* HWY_RESTRICT to,
                          std::int64_t to_stride) {
  std::int64_t done = 0;  // columns
#if HWY_TARGET != HWY_SCALAR
  for (std::int64_t t = 0; t < rows; t += kLanes) {
    // A vector that is longer than a row is overwritten by the next row, if that comes later.
    const bool whole = t + kLanes <= rows || rows <= kLanes;
    const auto inside = hn::FirstN(kF32, std::min<std::int64_t>(kLanes, rows - t));
    for (std::int64_t i = 0; i < columns; i += 4) {
      Vec v[4];
      for (int q = 0; q < 4; ++q)
        v[q] = load_fours(
            kF32, [&](int r) HWY_ATTR { return from + (t + r) * from_stride + i; }, q);
      transpose_fours(v);
      // Lane 4 b + q now holds row t + 4 b + q.
      HWY_UNROLL(4)  // constant c: v stays in registers
      for (int c = 0; c < 4; ++c) {
        if (i + c >= columns) break;
        float* at = to + (i + c) * to_stride + t;
        if (whole) {
          hn::StoreU(v[c], kF32, at);
        } else {
          hn::BlendedStore(v[c], inside, kF32, at);
        }
      }
    }
  }
  done = columns;
#endif
  for (std::int64_t i = done; i < columns; ++i)
    for (std::int64_t t = 0; t < rows; ++t) to[i * to_stride + t] = from[t * from_stride + i];
}

// The same for few rows and many columns: to [columns, to_stride]. Reads and writes up to kLanes
// columns more.
HWY_INLINE void transpose_wide(const float* HWY_RESTRICT from, std::int64_t rows,
                               std::int64_t from_stride, std::int64_t columns,
                               float* HWY_RESTRICT to, std::int64_t to_stride) {
  std::int64_t done = 0;  // rows
#if HWY_TARGET != HWY_SCALAR
  done = rows / 4 * 4;
  for (std::int64_t t = 0; t < columns; t += kLanes) {
    for (std::int64_t i = 0; i < done; i += 4) {
      Vec v[4];
      for (int q = 0; q < 4; ++q) v[q] = hn::LoadU(kF32, from + (i + q) * from_stride + t);
      transpose_fours(v);
      for (int q = 0; q < 4; ++q)
        store_fours(kF32, v[q], to + (t + q) * to_stride + i, 4 * to_stride);
    }
  }
#endif
  for (std::int64_t i = done; i < rows; ++i)
    for (std::int64_t t = 0; t < columns; ++t) to[t * to_stride + i] = from[i * from_stride + t];
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

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_MICRO_KERNELS_INL_H_
