// Correct kernels must give the right result under every order of threads and every seed.
#include <cmath>
#include <numeric>

#include "reduce.cuh"
#include "test_kernels.h"
#include "tile_mma.cuh"

namespace reprise::emulation {
namespace {

constexpr int kSeeds = 5;

__global__ void reverse_block(const float* in, float* out) {
  REPRISE_SHARED(float, tile, [128]);
  const int i = blockIdx.x * 128 + threadIdx.x;
  tile[threadIdx.x] = in[i];
  __syncthreads();
  out[i] = tile[127 - threadIdx.x];
}

__global__ void sum_blocks(const float* in, int count, float* out) {
  REPRISE_SHARED(float, partial, [32]);
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float total = block_sum(i < count ? in[i] : 0.f, partial);
  if (threadIdx.x == 0) out[blockIdx.x] = total;
}

// The last block to finish adds the partial sums of all, in order.
__global__ void sum_by_last_block(const float* in, float* partial, unsigned* finished, float* out) {
  REPRISE_SHARED(float, scratch, [32]);
  REPRISE_SHARED(unsigned, turn, [1]);
  const float total = block_sum(in[blockIdx.x * blockDim.x + threadIdx.x], scratch);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = total;
    __threadfence();
    turn[0] = atomicAdd(finished, 1u);
  }
  __syncthreads();
  if (turn[0] == gridDim.x - 1 && threadIdx.x == 0) {
    __threadfence();
    float sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += partial[b];
    out[0] = sum;
  }
}

__global__ void warp_operations(int* out) {
  const int lane = threadIdx.x;
  int* row = out + lane * 10;
  row[0] = __shfl_sync(kAllLanes, lane * 10, 7);
  row[1] = __shfl_up_sync(kAllLanes, lane, 3);
  row[2] = __shfl_down_sync(kAllLanes, lane, 3, 8);
  row[3] = __shfl_xor_sync(kAllLanes, lane, 5);
  row[4] = static_cast<int>(__ballot_sync(kAllLanes, lane % 3 == 0));
  row[5] = static_cast<int>(__reduce_max_sync(kAllLanes, static_cast<unsigned>(lane * 3)));
  row[6] = static_cast<int>(__match_any_sync(kAllLanes, lane / 8));
  row[7] = __any_sync(kAllLanes, lane == 31) + 2 * __all_sync(kAllLanes, lane < 31);
  const unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  row[8] = __shfl_sync(half, lane, lane < 16 ? 4 : 20);
  row[9] = __syncthreads_count(lane % 2);
}

__global__ void dynamic_reverse(const float* in, float* out) {
  REPRISE_DYNAMIC_SHARED(float, tile);
  const int count = blockDim.x;
  for (int i = threadIdx.x; i < 16 * count; i += count) tile[i] = in[i];
  __syncthreads();
  for (int i = threadIdx.x; i < 16 * count; i += count) out[i] = tile[16 * count - 1 - i];
}

// One warp multiplies a [16, depth] by b [depth, 16].
template <typename Precision>
__global__ void tile_product(const float* a, const float* b, int depth, float* out) {
  using Storage = typename Precision::Storage;
  REPRISE_SHARED(Storage, left, [16 * 32]);
  REPRISE_SHARED(Storage, right, [32 * 16]);
  for (int i = threadIdx.x; i < 16 * depth; i += 32) {
    left[i] = Precision::round(a[i]);
    right[i] = Precision::round(b[i]);
  }
  __syncwarp();
  TileSums<Precision> sums;
  sums.clear();
  for (int k = 0; k < depth; k += Precision::kDepth) {
    LeftTile<Precision, ByRows> a;
    RightTile<Precision, ByRows> b;
    a.load(left + k, depth);
    b.load(right + k * 16, 16);
    sums.add_product(a, b);
  }
  sums.store(out, 16);
}

class EveryOrder : public EmulationTest {
 protected:
  template <typename Work>
  void run(Work work) {
    for (const Schedule& schedule : schedules(kSeeds)) {
      SCOPED_TRACE(to_string(schedule));
      fresh();
      set_schedule(schedule);
      work();
    }
  }
};

TEST_F(EveryOrder, SharedMemoryAndBarrier) {
  run([] {
    const auto values = ramp(512);
    const float* in = to_device(values);
    float* out = device_array<float>(512);
    launch(reverse_block, {.grid = 4, .block = 128}, in, out);
    const auto result = to_host(out, 512);
    for (int i = 0; i < 512; ++i) ASSERT_EQ(result[i], values[i / 128 * 128 + 127 - i % 128]);
  });
}

TEST_F(EveryOrder, BlockSumIsTheSameInEveryOrder) {
  std::vector<float> first;
  run([&] {
    const auto values = ramp(700, 0.1f);
    const float* in = to_device(values);
    float* out = device_array<float>(3);
    launch(sum_blocks, {.grid = 3, .block = 256}, in, 700, out);
    const auto result = to_host(out, 3);
    const double expected = std::accumulate(values.begin(), values.end(), 0.0);
    EXPECT_NEAR(result[0] + result[1] + result[2], expected, 1e-2);
    if (first.empty()) first = result;
    EXPECT_EQ(result, first);
  });
}

TEST_F(EveryOrder, LastBlockSeesThePartialSums) {
  run([] {
    const auto values = ramp(4 * 64);
    const float* in = to_device(values);
    float *partial = device_array<float>(4), *out = device_array<float>(1);
    unsigned* finished = device_array<unsigned>(1);
    check(cudaMemset(finished, 0, sizeof(unsigned)), "cudaMemset");
    launch(sum_by_last_block, {.grid = 4, .block = 64}, in, partial, finished, out);
    EXPECT_EQ(to_host(out, 1)[0], std::accumulate(values.begin(), values.end(), 0.f));
  });
}

TEST_F(EveryOrder, WarpOperations) {
  run([] {
    int* out = device_array<int>(320);
    launch(warp_operations, {.grid = 1, .block = 32}, out);
    const auto rows = to_host(out, 320);
    for (int lane = 0; lane < 32; ++lane) {
      const int* row = &rows[lane * 10];
      EXPECT_EQ(row[0], 70);
      EXPECT_EQ(row[1], lane < 3 ? lane : lane - 3);
      EXPECT_EQ(row[2], lane % 8 < 5 ? lane + 3 : lane);
      EXPECT_EQ(row[3], lane ^ 5);
      EXPECT_EQ(static_cast<unsigned>(row[4]), 0x49249249u);
      EXPECT_EQ(row[5], 93);
      EXPECT_EQ(static_cast<unsigned>(row[6]), 0xffu << (lane / 8 * 8));
      EXPECT_EQ(row[7], 1);
      EXPECT_EQ(row[8], lane < 16 ? 4 : 20);
      EXPECT_EQ(row[9], 16);
    }
  });
}

TEST_F(EveryOrder, DynamicSharedMemoryPast48KiB) {
  run([] {
    const int count = 16 * 1024;
    const auto values = ramp(count);
    const float* in = to_device(values);
    float* out = device_array<float>(count);
    launch(dynamic_reverse, {.grid = 1, .block = 1024, .shared_bytes = count * sizeof(float)}, in,
           out);
    const auto result = to_host(out, count);
    for (int i = 0; i < count; ++i) ASSERT_EQ(result[i], values[count - 1 - i]);
  });
}

template <typename Precision>
void check_tile_product(int depth) {
  std::vector<float> a(16 * depth), b(16 * depth);
  for (int i = 0; i < 16 * depth; ++i) {
    a[i] = static_cast<float>(std::sin(i * 0.7));
    b[i] = static_cast<float>(std::cos(i * 0.3));
  }
  const float *left = to_device(a), *right = to_device(b);
  float* out = device_array<float>(256);
  launch(tile_product<Precision>, {.grid = 1, .block = 32}, left, right, depth, out);
  const auto result = to_host(out, 256);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      double exact = 0;
      for (int k = 0; k < depth; ++k) {
        const float x = Precision::round(a[i * depth + k]), y = Precision::round(b[k * 16 + j]);
        exact += static_cast<double>(x) * y;
      }
      ASSERT_NEAR(result[i * 16 + j], exact, 1e-5) << i << "," << j;
    }
  }
}

TEST_F(EveryOrder, TensorCoreProductInTf32) {
  run([] { check_tile_product<Tf32>(32); });
}

TEST_F(EveryOrder, TileProductInFp32) {
  run([] { check_tile_product<Fp32>(32); });
}

TEST_F(EveryOrder, TensorCoreProductInBfloat16) {
  run([] { check_tile_product<Bf16>(32); });
}

}  // namespace
}  // namespace reprise::emulation
