// Each kind of mistake in a kernel must be caught, with a message that names it.
#include <cmath>
#include <cstdlib>

#include "test_kernels.h"
#include "tile_mma.cuh"

namespace reprise::emulation {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true, kAddressSanitizer = false;
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool kThreadSanitizer = false, kAddressSanitizer = true;
#else
constexpr bool kThreadSanitizer = false, kAddressSanitizer = false;
#endif

using EmulationErrors = EmulationTest;

template <typename Kernel, typename... Arguments>
std::string error_of_kernel(Kernel kernel, dim3 block, Arguments... arguments) {
  return error_of([&] {
    launch(kernel, {.grid = 1, .block = block}, arguments...);
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  });
}

/// Whether some order of threads gives a result that `wrong` objects to.
template <typename Work>
bool some_order_fails(Work wrong) {
  for (const Schedule& schedule : schedules(3)) {
    set_schedule(schedule);
    if (wrong()) return true;
  }
  return false;
}

/// A race: the thread sanitizer must report it, and elsewhere some order must give a wrong result.
template <typename Work>
void expect_race(Work wrong) {
  if (kThreadSanitizer) {
    EXPECT_EXIT((wrong(), std::exit(0)), ::testing::ExitedWithCode(66), "data race");
  } else {
    EXPECT_TRUE(some_order_fails(wrong));
  }
}

__global__ void reverse_without_barrier(const float* in, float* out) {
  REPRISE_SHARED(float, tile, [128]);
  tile[threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = tile[127 - threadIdx.x];
}

TEST_F(EmulationErrors, MissingBarrier) {
  const auto values = ramp(128);
  const float* in = to_device(values);
  float* out = device_array<float>(128);
  expect_race([&] {
    launch(reverse_without_barrier, {.grid = 1, .block = 128}, in, out);
    const auto result = to_host(out, 128);
    for (int i = 0; i < 128; ++i) {
      if (result[i] != values[127 - i]) return true;
    }
    return false;
  });
}

__global__ void rotate_without_syncwarp(const float* in, float* out) {
  REPRISE_SHARED(float, tile, [32]);
  tile[threadIdx.x] = in[threadIdx.x];
  out[threadIdx.x] = tile[(threadIdx.x + 1) % 32];
}

TEST_F(EmulationErrors, MissingSyncwarp) {
  const auto values = ramp(32);
  const float* in = to_device(values);
  float* out = device_array<float>(32);
  expect_race([&] {
    launch(rotate_without_syncwarp, {.grid = 1, .block = 32}, in, out);
    const auto result = to_host(out, 32);
    for (int i = 0; i < 32; ++i) {
      if (result[i] != values[(i + 1) % 32]) return true;
    }
    return false;
  });
}

__global__ void reuse_without_barrier(float* out) {
  REPRISE_SHARED(float, tile, [64]);
  for (int round = 0; round < 3; ++round) {
    tile[threadIdx.x] = static_cast<float>(round);
    __syncthreads();
    out[round * 64 + threadIdx.x] = tile[63 - threadIdx.x];
  }
}

TEST_F(EmulationErrors, MissingBarrierBeforeReuse) {
  float* out = device_array<float>(192);
  expect_race([&] {
    launch(reuse_without_barrier, {.grid = 1, .block = 64}, out);
    const auto result = to_host(out, 192);
    for (int i = 0; i < 192; ++i) {
      if (result[i] != static_cast<float>(i / 64)) return true;
    }
    return false;
  });
}

__global__ void add_between_blocks(float* total) {
  if (threadIdx.x == 0) total[0] += 1;
}

TEST_F(EmulationErrors, PlainAdditionBetweenBlocks) {
  if (!kThreadSanitizer) GTEST_SKIP() << "only the thread sanitizer sees this";
  float* total = to_device(std::vector<float>{0});
  expect_race([&] {
    launch(add_between_blocks, {.grid = 4, .block = 32}, total);
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return true;
  });
}

__global__ void publish_without_fence(float* data, unsigned* flag, float* out) {
  if (threadIdx.x != 0) return;
  data[blockIdx.x] = 1;
  if (atomicAdd(flag, 1u) == gridDim.x - 1) out[0] = data[0] + data[1];
}

TEST_F(EmulationErrors, MissingFenceBetweenBlocks) {
  if (!kThreadSanitizer) GTEST_SKIP() << "only the thread sanitizer sees this";
  float *data = device_array<float>(2), *out = device_array<float>(1);
  unsigned* flag = to_device(std::vector<unsigned>{0});
  expect_race([&] {
    launch(publish_without_fence, {.grid = 2, .block = 32}, data, flag, out);
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return true;
  });
}

__global__ void divergent_barrier() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

TEST_F(EmulationErrors, DivergentBarrier) {
  const std::string error = error_of_kernel(divergent_barrier, 64);
  EXPECT_CONTAINS(error, "divergent barrier");
  EXPECT_CONTAINS(error, "test_emulation_errors.cpp");
  EXPECT_CONTAINS(error, "block (0,0,0), thread (16,0,0)");
}

__global__ void barrier_and_warp_operation(int* out) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    out[threadIdx.x] = __shfl_sync(kAllLanes, threadIdx.x, 0);
  }
}

TEST_F(EmulationErrors, StuckThreadsAreAnErrorAndNotAHang) {
  int* out = device_array<int>(32);
  const std::string error = error_of_kernel(barrier_and_warp_operation, 32, out);
  EXPECT_CONTAINS(error, "stuck: 16 threads wait at the barrier");
  EXPECT_CONTAINS(error, "16 lanes of warp 0 wait in the warp operation");
}

__global__ void shuffle_after_exit(int* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_sync(kAllLanes, threadIdx.x, 0);
}

TEST_F(EmulationErrors, ExitedLaneInMask) {
  int* out = device_array<int>(32);
  EXPECT_CONTAINS(error_of_kernel(shuffle_after_exit, 32, out), "exits while lane 0 waits for it");
  fresh();
  out = device_array<int>(32);
  set_schedule({Order::reverse, 0});
  EXPECT_CONTAINS(error_of_kernel(shuffle_after_exit, 32, out), "which has exited or never was");
}

__global__ void barrier_after_exit(int* out) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

TEST_F(EmulationErrors, BarrierWaitsForLiveThreadsOnly) {
  int* out = device_array<int>(64);
  EXPECT_EQ(error_of_kernel(barrier_after_exit, 64, out), "");
}

__global__ void foreign_mask() {
  __syncwarp(0x2u);
}

TEST_F(EmulationErrors, LaneOutsideItsMask) {
  EXPECT_CONTAINS(error_of_kernel(foreign_mask, 32), "not in its own mask");
}

__global__ void masks_differ() {
  __syncwarp(threadIdx.x == 0 ? 0x3u : kAllLanes);
}

TEST_F(EmulationErrors, LanesDisagreeOnTheMask) {
  EXPECT_CONTAINS(error_of_kernel(masks_differ, 32), "divergent warp");
  EXPECT_CONTAINS(last_report(), "another mask");
}

__global__ void shuffle_from_outside(int* out) {
  if (threadIdx.x < 8) out[threadIdx.x] = __shfl_sync(0xffu, threadIdx.x, 9);
}

TEST_F(EmulationErrors, ShuffleFromOutsideTheMask) {
  int* out = device_array<int>(8);
  EXPECT_CONTAINS(error_of_kernel(shuffle_from_outside, 32, out), "lane 9, which is not in the");
}

__global__ void write_past_shared(int index) {
  REPRISE_SHARED(float, tile, [32]);
  float* cell = tile;
  cell[index] = 1;
}

TEST_F(EmulationErrors, SharedMemoryOverrun) {
  if (kAddressSanitizer) {
    EXPECT_DEATH(error_of_kernel(write_past_shared, 1, 33), "use-after-poison");
  } else {
    EXPECT_CONTAINS(error_of_kernel(write_past_shared, 1, 33),
                    "a write past the end of a shared array of 128 bytes");
    fresh();
    EXPECT_CONTAINS(error_of_kernel(write_past_shared, 1, -1), "a write before the start of");
  }
}

__global__ void write_at(float* data, int index) {
  data[index] = 1;
}

TEST_F(EmulationErrors, GlobalMemoryOverrun) {
  float* data = device_array<float>(10);
  if (kAddressSanitizer) {
    EXPECT_DEATH(error_of_kernel(write_at, 1, data, 10), "use-after-poison");
  } else {
    EXPECT_DEATH(error_of_kernel(write_at, 1, data, 64),
                 "kernel .*write_at.* touches 216 bytes past the end of 40 bytes");
    EXPECT_CONTAINS(error_of_kernel(write_at, 1, data, 10),
                    "a write past the end of 40 bytes of device memory");
  }
}

TEST_F(EmulationErrors, UseAfterFree) {
  float* data = device_array<float>(2048);
  float* kept = data + 1;
  check(cudaFree(data), "cudaFree");
  EXPECT_CONTAINS(error_of_kernel(write_at, 1, kept, 0), "device memory that is not live");
}

TEST_F(EmulationErrors, HostTouchesDeviceMemory) {
  volatile float* data = device_array<float>(10);
  EXPECT_DEATH(data[3] = 1, "host code touches byte 12 of 40 bytes of device memory");
}

TEST_F(EmulationErrors, HostPointerAsArgument) {
  float on_host = 0;
  const std::string error = error_of_kernel(write_at, 1, &on_host, 0);
  EXPECT_CONTAINS(error, "write_at");
  EXPECT_CONTAINS(error, "argument 0 is a host pointer");
}

__global__ void read_unwritten(float* out) {
  REPRISE_SHARED(float, tile, [4]);
  out[0] = tile[2];
}

TEST_F(EmulationErrors, FreshMemoryIsPoisoned) {
  float* out = device_array<float>(2);
  launch(read_unwritten, {.grid = 1, .block = 1}, out);
  const auto result = to_host(out, 2);
  EXPECT_TRUE(std::isnan(result[0]));
  EXPECT_TRUE(std::isnan(result[1]));
}

__global__ void misaligned_tile(float* out) {
  REPRISE_SHARED(float, tile, [16 * 16 + 8]);
  TileSums<Tf32> sums;
  sums.clear();
  sums.store(tile + 4, 16);
  out[0] = 0;
}

TEST_F(EmulationErrors, MisalignedTile) {
  float* out = device_array<float>(1);
  EXPECT_CONTAINS(error_of_kernel(misaligned_tile, 32, out), "not a multiple of 32 bytes");
}

__global__ void part_of_a_warp_multiplies(float* out) {
  TileSums<Tf32> sums;
  sums.clear();
  if (threadIdx.x < 16) sums.store(out, 16);
}

TEST_F(EmulationErrors, MatrixProductNeedsTheWholeWarp) {
  float* out = device_array<float>(256);
  EXPECT_CONTAINS(error_of_kernel(part_of_a_warp_multiplies, 32, out), "exits while lane");
}

__global__ void nothing() {}

TEST_F(EmulationErrors, LaunchLimits) {
  EXPECT_CONTAINS(error_of_kernel(nothing, 1025), "a block of 1025 threads");
  EXPECT_CONTAINS(error_of_kernel(nothing, 0), "an empty grid or block");
  EXPECT_CONTAINS(
      error_of([] { launch(nothing, {.grid = 1, .block = 1, .shared_bytes = 1 << 20}); }),
      "more shared memory than a block can have");
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = 1;
  config.dynamicSmemBytes = 60 << 10;
  EXPECT_EQ(cudaLaunchKernelEx(&config, nothing), cudaErrorInvalidConfiguration);
  EXPECT_CONTAINS(last_report(), "61440 bytes of dynamic shared memory where 49152 are allowed");
}

__global__ void two_large_arrays() {
  REPRISE_SHARED(float, first, [30000]);
  REPRISE_SHARED(float, second, [30000]);
  first[0] = second[0] = 0;
}

TEST_F(EmulationErrors, TooMuchStaticSharedMemory) {
  EXPECT_CONTAINS(error_of_kernel(two_large_arrays, 1), "bytes of shared memory");
}

TEST_F(EmulationErrors, AFailedKernelPoisonsTheDevice) {
  EXPECT_NE(error_of_kernel(divergent_barrier, 64), "");
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, 16), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&pointer, 16), cudaSuccess);
}

}  // namespace
}  // namespace reprise::emulation
