// The best of many scores, selected on chip: a sorted list that one warp keeps in shared memory.
#pragma once

#include "device.h"

namespace reprise {

/// A score and the number of its candidate in one word, ordered by descending score and ascending
/// number when compared as integers, the best being the largest. 0 is no candidate.
using RankKey = unsigned long long;

inline constexpr RankKey kBehindNone = ~RankKey{0};  // every key ranks behind it
inline constexpr int kMaxWidth = 256;                // of a list

__device__ inline RankKey rank_key(float score, unsigned number) {
  const unsigned bits = __float_as_uint(score);
  const unsigned ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
  return RankKey{ordered} << 32 | static_cast<unsigned>(~number);
}
__device__ inline float score_of(RankKey key) {
  const auto ordered = static_cast<unsigned>(key >> 32);
  return __uint_as_float(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered);
}
__device__ inline unsigned number_of(RankKey key) {
  return ~static_cast<unsigned>(key);
}

/// The lanes' keys in descending order (Batcher 1968).
__device__ inline RankKey sort_lanes(RankKey key) {
  const int lane = threadIdx.x % kWarpThreads;
  for (int size = 2; size <= kWarpThreads; size *= 2) {
    for (int stride = size / 2; stride > 0; stride /= 2) {
      const RankKey other = __shfl_xor_sync(kAllLanes, key, stride);
      const bool larger = ((lane & stride) == 0) == ((lane & size) == 0);
      key = larger == (key > other) ? key : other;
    }
  }
  return key;
}

/// The `width` largest keys offered so far, in descending order. All lanes of the owning warp call
/// every member; the list is another warp's to read after a barrier.
struct BestList {
  RankKey* keys;  // shared, [width]
  int width;      // a power of two, 32 to kMaxWidth

  __device__ void clear() {
    for (int i = threadIdx.x % kWarpThreads; i < width; i += kWarpThreads) keys[i] = 0;
    __syncwarp();
  }

  /// Takes one key a lane, all different or 0.
  __device__ void offer(RankKey key) {
    constexpr int kSteps = kMaxWidth / kWarpThreads;
    const int lane = threadIdx.x % kWarpThreads;
    if (!__any_sync(kAllLanes, key > keys[width - 1])) return;
    key = sort_lanes(key);
    // Where each key belongs: its place in its own list plus the keys before it in the other.
    int place = 0;
    for (int step = width; step > 0; step /= 2) {
      if (place + step <= width && keys[place + step - 1] >= key) place += step;
    }
    place += lane;
    RankKey kept[kSteps];
    int kept_place[kSteps];
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
      if (s * kWarpThreads >= width) break;
      kept[s] = keys[s * kWarpThreads + lane];
      int larger = 0;
#pragma unroll
      for (int step = kWarpThreads / 2; step > 0; step /= 2) {
        if (__shfl_sync(kAllLanes, key, larger + step - 1) > kept[s]) larger += step;
      }
      larger += __shfl_sync(kAllLanes, key, larger) > kept[s];
      kept_place[s] = s * kWarpThreads + lane + larger;
    }
    __syncwarp();  // all have read
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
      if (s * kWarpThreads < width && kept_place[s] < width) keys[kept_place[s]] = kept[s];
    }
    if (place < width) keys[place] = key;
    __syncwarp();
  }
};

}  // namespace reprise
