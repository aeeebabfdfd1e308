// Correlation matrices of events over time, C_k[i][j] = sum_t E[t+k,i] E[t,j], on one block.
//
// A windowed co-occurrence is linear in its window, so these few matrices stand for all windows;
// and C_-k is the transpose of C_k, so only lags >= 0 are formed.
#pragma once

#include "event_conv.cuh"
#include "tile_mma.cuh"

namespace reprise {

inline constexpr int kSettleFrames = 32;  // terms of a short sum

/// The tiles of a lag group's matrices that one warp sums. Tile q of the group is (jb, lag, ib) in
/// that order of digits; warp w has the tiles w, w + warps, and so on.
template <typename Precision>
struct CorrelationSums {
  using Storage = typename Precision::Storage;
  static constexpr int kTiles = Precision::kTilesPerWarp;
  LongTileSums<Precision> sums[kTiles];
  int lags, side;  // of the group; tiles along a matrix

  __device__ CorrelationSums(const BigramPlan& shape, int group)
      : lags(shape.groups.first[group + 1] - shape.groups.first[group]),
        side(shape.padded / kTile) {
    for (auto& sum : sums) sum.clear();
  }

  /// Calls use(sum, lag in the group, ib, jb) for each tile of this warp.
  template <typename Use>
  __device__ void for_each(Use use) {
    const int warp = threadIdx.x / kWarpThreads;
#pragma unroll
    for (int s = 0; s < kTiles; ++s) {
      const int q = warp + s * kBigramWarps;
      if (q < lags * side * side) {
        use(sums[s], q / side % lags, q % side, q / side / lags);
      }
    }
  }

  /// Adds kTimeTile frames. shifted: events from the group's first lag on; base: unshifted events.
  __device__ void add(const BigramPlan& shape, int group, const Storage* shifted,
                      const Storage* base) {
    const int* lag = shape.lags.lag + shape.groups.first[group];
    for (int t = 0; t < kTimeTile; t += Precision::kDepth) {
      RightTile<Precision, ByRows> right;
      int loaded = -1;
      for_each([&](LongTileSums<Precision>& sum, int k, int ib, int jb) {
        if (jb != loaded) right.load(base + t * shape.stride + jb * kTile, shape.stride);
        loaded = jb;
        LeftTile<Precision, ByColumns> left;
        left.load(shifted + (t + lag[k] - lag[0]) * shape.stride + ib * kTile, shape.stride);
        sum.add_product(left, right);
      });
      if ((t + Precision::kDepth) % kSettleFrames == 0) {
        for (auto& sum : sums) sum.settle();
      }
    }
  }
};

/// M[f,i,j] = sum_l window[f,l] C_lag(l)[i,j]. correlations [lags, padded, padded]; windows [F, L].
/// The matrices of neighbouring lags are large and alike, and signed windows leave little of them:
/// hence the sum in double precision, which is a small part of the work.
__device__ inline float mix_lags(const BigramPlan& shape, const float* correlations,
                                 const float* windows, int f, int i, int j) {
  double sum = 0;
  for (int l = 0; l < shape.p.taps; ++l) {
    const float* c = correlations + shape.lags.of_tap[l] * shape.square();
    const bool later = shape.p.lags[l] >= 0;
    sum += static_cast<double>(windows[f * shape.p.taps + l]) *
           (later ? c[i * shape.padded + j] : c[j * shape.padded + i]);
  }
  return static_cast<float>(sum);
}

/// Elementwise compression of pooled bigrams, and its slope.
__device__ inline float compress(Compression kind, float g) {
  if (kind == Compression::tanh) return tanhf(g);
  if (kind == Compression::none) return g;
  return g / sqrtf(fabsf(g) + kSignedRootEpsilon);
}

__device__ inline float compress_slope(Compression kind, float g) {
  if (kind == Compression::none) return 1.f;
  if (kind == Compression::tanh) {
    const float y = tanhf(g);
    return 1.f - y * y;
  }
  const float shifted = fabsf(g) + kSignedRootEpsilon;
  return (0.5f * fabsf(g) + kSignedRootEpsilon) / (shifted * sqrtf(shifted));
}

}  // namespace reprise
