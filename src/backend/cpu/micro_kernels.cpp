// The tiled products of audio bigrams (see micro_kernels-inl.h). Each is a few dozen tiles, one for
// every number of rows and vectors: functions of their own, as one that held them all would take
// the compiler several times as long.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/micro_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// Unit rows: row_stride is 1, which the compiler is to know.
template <int V, int R, bool Joined, bool UnitRows>
HWY_NOINLINE void correlate_tile(const Columns* HWY_RESTRICT columns, std::int64_t a_stride,
                                 const float* HWY_RESTRICT b, std::int64_t b_stride,
                                 std::int64_t row_stride, std::int64_t terms,
                                 float* HWY_RESTRICT out, std::int64_t out_stride, bool add) {
  if constexpr (UnitRows) row_stride = 1;
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
    for (int v = 0; v < V; ++v) {
      float* to = out + r * out_stride + v * kLanes;
      hn::StoreU(add ? hn::Add(hn::LoadU(kF32, to), sum[r][v]) : sum[r][v], kF32, to);
    }
  }
}

void correlate(const Columns* columns, int vectors, std::int64_t a_stride, const float* b,
               std::int64_t b_stride, std::int64_t row_stride, std::int64_t terms, int rows,
               float* out, std::int64_t out_stride, bool add) {
  for_even_pieces<kTileVectors>(vectors, [&]<int V>(int k) HWY_ATTR {
    bool joined = false;
    for (int v = 0; v < V; ++v) joined |= columns[k + v].lanes < kLanes;
    for_even_pieces<tile_rows(V)>(rows, [&]<int R>(int j) HWY_ATTR {
      const auto tile = row_stride != 1 ? correlate_tile<V, R, true, false>
                        : joined        ? correlate_tile<V, R, true, true>
                                        : correlate_tile<V, R, false, true>;
      tile(columns + k, a_stride, b + j * row_stride, b_stride, row_stride, terms,
           out + j * out_stride + k * kLanes, out_stride, add);
    });
  });
}

template <int R>
HWY_NOINLINE void convolve_rows(const float* const* HWY_RESTRICT row, int rows,
                                const float* HWY_RESTRICT w, std::int64_t w_stride,
                                std::int64_t frames, float* HWY_RESTRICT out,
                                std::int64_t out_stride) {
  std::int64_t t = 0;
  for (; t + kLanes < frames; t += 2 * kLanes)
    convolve_tile<2, R>(row, rows, w, w_stride, t, out, out_stride);
  if (t < frames) convolve_tile<1, R>(row, rows, w, w_stride, t, out, out_stride);
}

void convolve(const float* const* row, int rows, const float* w, int n, std::int64_t frames,
              float* out, std::int64_t out_stride, float* packed) {
  for_even_pieces<tile_rows(2)>(n, [&]<int R>(int first) HWY_ATTR {
    const float* weights = w + first;
    std::int64_t stride = n;
    if (n > R) {  // a tile's weights side by side stay in the first cache
      for (int i = 0; i < rows; ++i)
        for (int r = 0; r < R; ++r) packed[i * R + r] = weights[i * n + r];
      weights = packed;
      stride = R;
    }
    convolve_rows<R>(row, rows, weights, stride, frames, out + first * out_stride, out_stride);
  });
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
HWY_NOINLINE void inner_products_tile(const float* HWY_RESTRICT x, std::int64_t x_stride,
                                      const float* const* HWY_RESTRICT y, int bs,
                                      std::int64_t terms, float* HWY_RESTRICT out,
                                      std::int64_t out_stride) {
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

void inner_products(const float* x, int as, std::int64_t x_stride, const float* const* y, int bs,
                    std::int64_t terms, float* out, std::int64_t out_stride) {
  constexpr int kRows = kTileSums / 4;  // 6 x 4 sums or 3 x 4, and the operands
  for_even_pieces<kRows>(as, [&]<int R>(int a) HWY_ATTR {
    for (int b = 0; b < bs; b += 4)
      inner_products_tile<R>(x + a * x_stride, x_stride, y + b, bs - b, terms,
                             out + a * out_stride + b, out_stride);
  });
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
