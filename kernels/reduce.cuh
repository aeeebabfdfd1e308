// Sums and maxima over a warp and over a block, in a fixed order: the same inputs give the same
// bits.
#pragma once

#include "device.h"

namespace reprise {

/// Sum of `value` over the 32 lanes of a full warp, in every lane.
template <typename Number>
__device__ Number warp_sum(Number value) {
  for (int offset = kWarpThreads / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, offset);
  }
  return value;
}

/// Largest `value` of the 32 lanes of a full warp, in every lane.
__device__ inline float warp_max(float value) {
  for (int offset = kWarpThreads / 2; offset > 0; offset /= 2) {
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, offset));
  }
  return value;
}

/// Largest of `value` over a one-dimensional block of whole warps, in every thread.
/// partial: shared, [32], free again when the function returns.
__device__ inline float block_max(float value, float* partial) {
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  const int warps = blockDim.x / kWarpThreads;
  value = warp_max(value);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  const float most = warp_max(lane < warps ? partial[lane] : -INFINITY);
  __syncthreads();  // the caller may write to `partial` next
  return most;
}

/// Sum of `value` over a one-dimensional block of whole warps, in every thread.
/// partial: shared, [32], free again when the function returns.
template <typename T>
__device__ T block_sum(T value, T* partial) {
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  const int warps = blockDim.x / kWarpThreads;
  value = warp_sum(value);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  const T total = warp_sum(lane < warps ? partial[lane] : T{});
  __syncthreads();  // the caller may write to `partial` next
  return total;
}

}  // namespace reprise
