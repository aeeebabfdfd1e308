// The register-tiled products that audio bigrams are made of, forward and backward. Included once
// for each instruction set by Highway's foreach_target.
//
//   correlate       c[j][col] = sum_s a[s][col] b[s][j]     lanes along the columns of a
//   convolve        out[j][t] = sum_r w[r][j] row_r[t]      lanes along t
//   inner_products  out[a][b] = sum_s x_a[s] y_b[s]         lanes along s
//
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

// Stride: of the rows of b, std::int64_t or a constant of that type.
template <int V, int R, bool Joined, class Stride, class Finish>
HWY_INLINE void correlate_tile(const Columns* HWY_RESTRICT columns, std::int64_t a_stride,
                               const float* HWY_RESTRICT b, Stride row_stride,
                               std::int64_t b_stride, std::int64_t terms, Finish&& finish) {
  Vec sum[R][V];
  const float* first[V];
  const float* second[V];
  hn::Mask<F32> mask[V];
  HWY_UNROLL(4)
  for (int v = 0; v < V; ++v) {
    first[v] = columns[v].first;
    second[v] = columns[v].second;
    mask[v] = hn::FirstN(kF32, columns[v].lanes);
  }
  HWY_UNROLL(12)
  for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(kF32);
  }
  for (std::int64_t s = 0, at = 0; s < terms; ++s, at += a_stride, b += b_stride) {
    Vec a[V];
    HWY_UNROLL(4)
    for (int v = 0; v < V; ++v) {
      a[v] = hn::LoadU(kF32, first[v] + at);
      if constexpr (Joined) a[v] = hn::IfThenElse(mask[v], a[v], hn::LoadU(kF32, second[v] + at));
    }
    HWY_UNROLL(12)
    for (int r = 0; r < R; ++r) {
      const Vec x = hn::Set(kF32, b[r * row_stride]);
      HWY_UNROLL(4)
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(a[v], x, sum[r][v]);
    }
  }
  HWY_UNROLL(12)
  for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < V; ++v) finish(r, v, sum[r][v]);
  }
}

// b[s][j] = b[s * b_stride + j * RowStride]. finish(row, vector, sum): what becomes of vector
// `vector` of row `row` of the result.
template <int RowStride, class Finish>
HWY_INLINE void correlate(const Columns* HWY_RESTRICT columns, int vectors, std::int64_t a_stride,
                          const float* HWY_RESTRICT b, std::int64_t b_stride, std::int64_t terms,
                          int rows, Finish&& finish) {
  constexpr std::integral_constant<std::int64_t, RowStride> row_stride;
  for_even_pieces<kTileVectors>(vectors, [&]<int V>(int k) HWY_ATTR {
    bool joined = false;
    for (int v = 0; v < V; ++v) joined |= columns[k + v].lanes < kLanes;
    for_even_pieces<tile_rows(V)>(rows, [&]<int R>(int j) HWY_ATTR {
      const auto whole = [&](int r, int v, Vec sum) HWY_ATTR { finish(j + r, k + v, sum); };
      if (joined) {
        correlate_tile<V, R, true>(columns + k, a_stride, b + j * RowStride, row_stride, b_stride,
                                   terms, whole);
      } else {
        correlate_tile<V, R, false>(columns + k, a_stride, b + j * RowStride, row_stride, b_stride,
                                    terms, whole);
      }
    });
  });
}

// The same of whole columns and rows `row_stride` apart, which only now is known. What is left of
// the rows is taken one by one: tiles of every height are much code for few rows.
template <class Finish>
HWY_INLINE void correlate_apart(const Columns* HWY_RESTRICT columns, int vectors,
                                std::int64_t a_stride, const float* HWY_RESTRICT b,
                                std::int64_t row_stride, std::int64_t b_stride, std::int64_t terms,
                                int rows, Finish&& finish) {
  for_even_pieces<kTileVectors>(vectors, [&]<int V>(int k) HWY_ATTR {
    int j = 0;
    const auto tile = [&]<int R>() HWY_ATTR {
      for (; j + R <= rows; j += R)
        correlate_tile<V, R, false>(
            columns + k, a_stride, b + j * row_stride, row_stride, b_stride, terms,
            [&](int r, int v, Vec sum) HWY_ATTR { finish(j + r, k + v, sum); });
    };
    tile.template operator()<tile_rows(V)>();
    tile.template operator()<1>();
  });
}

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

// out [n, out_stride] = w [rows, n]^T times the rows, each read at t = 0 .. frames - 1. Whole
// vectors are written. `packed` holds rows * tile_rows(2) floats, and a vector.
HWY_INLINE void convolve(const float* const* HWY_RESTRICT row, int rows,
                         const float* HWY_RESTRICT w, int n, std::int64_t frames,
                         float* HWY_RESTRICT out, std::int64_t out_stride,
                         float* HWY_RESTRICT packed) {
  for_even_pieces<tile_rows(2)>(n, [&]<int R>(int first) HWY_ATTR {
    const float* weights = w + first;
    std::int64_t stride = n;
    if (n > R) {  // a tile's weights side by side stay in the first cache
      for (int i = 0; i < rows; ++i)
        for (int r = 0; r < R; ++r) packed[i * R + r] = weights[i * n + r];
      weights = packed;
      stride = R;
    }
    float* to = out + first * out_stride;
    std::int64_t t = 0;
    for (; t + kLanes < frames; t += 2 * kLanes)
      convolve_tile<2, R>(row, rows, weights, stride, t, to, out_stride);
    if (t < frames) convolve_tile<1, R>(row, rows, weights, stride, t, to, out_stride);
  });
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

// to[q] = the sum of the lanes of v[q].
HWY_INLINE void sums_of_four(Vec v[4], float* HWY_RESTRICT to) {
#if HWY_TARGET == HWY_SCALAR
  for (int q = 0; q < 4; ++q) to[q] = hn::GetLane(v[q]);
#else
  transpose_fours(v);
  const auto fold = [](auto&& self, auto d, auto x) HWY_ATTR {
    if constexpr (hn::MaxLanes(d) <= 4) {
      return x;
    } else {
      const hn::Half<decltype(d)> half;
      return self(self, half, hn::Add(hn::LowerHalf(half, x), hn::UpperHalf(half, x)));
    }
  };
  const hn::CappedTag<float, 4> four;
  hn::StoreU(fold(fold, kF32, hn::Add(hn::Add(v[0], v[1]), hn::Add(v[2], v[3]))), four, to);
#endif
}

// out [R, out_stride]: products of rows x with four rows y each, of which `bs` are wanted.
template <int R>
HWY_INLINE void inner_products_tile(const float* HWY_RESTRICT x, std::int64_t x_stride,
                                    const float* const* HWY_RESTRICT y, int bs, std::int64_t terms,
                                    float* HWY_RESTRICT out, std::int64_t out_stride) {
  Vec sum[R][4];
  const float* py[4];
  HWY_UNROLL(4)
  for (int q = 0; q < 4; ++q) py[q] = y[std::min(q, bs - 1)];
  HWY_UNROLL(6)
  for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4)
    for (int q = 0; q < 4; ++q) sum[r][q] = hn::Zero(kF32);
  }
  const auto add = [&](std::int64_t s, auto&& load) HWY_ATTR {
    Vec vx[R];
    HWY_UNROLL(6)
    for (int r = 0; r < R; ++r) vx[r] = load(x + r * x_stride + s);
    HWY_UNROLL(4)
    for (int q = 0; q < 4; ++q) {
      const Vec vy = load(py[q] + s);
      HWY_UNROLL(6)
      for (int r = 0; r < R; ++r) sum[r][q] = hn::MulAdd(vx[r], vy, sum[r][q]);
    }
  };
  std::int64_t s = 0;
  for (; s + kLanes <= terms; s += kLanes)
    add(s, [](const float* at) HWY_ATTR { return hn::LoadU(kF32, at); });
  if (s < terms) {
    const auto inside = hn::FirstN(kF32, terms - s);
    add(s,
        [&](const float* at) HWY_ATTR { return hn::IfThenElseZero(inside, hn::LoadU(kF32, at)); });
  }
  HWY_UNROLL(6)
  for (int r = 0; r < R; ++r) {
    float sums[4];
    sums_of_four(sum[r], sums);
    std::copy_n(sums, std::min(bs, 4), out + r * out_stride);
  }
}

// out [as, out_stride]: the products of every x_a with every y_b, each of `terms` floats. Terms
// past the last whole vector are masked out.
HWY_INLINE void inner_products(const float* HWY_RESTRICT x, int as, std::int64_t x_stride,
                               const float* const* HWY_RESTRICT y, int bs, std::int64_t terms,
                               float* HWY_RESTRICT out, std::int64_t out_stride) {
  constexpr int kRows = kTileSums / 4;  // 6 x 4 sums or 3 x 4, and the operands
  for_even_pieces<kRows>(as, [&]<int R>(int a) HWY_ATTR {
    for (int b = 0; b < bs; b += 4)
      inner_products_tile<R>(x + a * x_stride, x_stride, y + b, bs - b, terms,
                             out + a * out_stride + b, out_stride);
  });
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_MICRO_KERNELS_INL_H_
