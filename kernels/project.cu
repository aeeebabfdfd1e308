// A projection's last step: bias added, rows scaled to length 1.
#include "device.h"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 128;

// Grid (rows). values [rows, dims], bias [dims].
__global__ void __launch_bounds__(kThreads)
    add_and_scale(float* values, const float* bias, int dims) {
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  float* v = values + static_cast<std::int64_t>(blockIdx.x) * dims;
  float square = 0;
  for (int i = threadIdx.x; i < dims; i += kThreads) {
    const float value = v[i] + bias[i];
    v[i] = value;
    square += value * value;
  }
  square = block_sum(square, partial);
  if (square <= 0) return;
  const float length = sqrtf(square);
  for (int i = threadIdx.x; i < dims; i += kThreads) v[i] /= length;
}

}  // namespace

void unit_rows(float* values, std::int64_t rows, int dims, const float* bias, cudaStream_t stream) {
  if (rows == 0) return;
  launch(add_and_scale, {.grid = static_cast<unsigned>(rows), .block = kThreads, .stream = stream},
         values, bias, dims);
}

}  // namespace reprise::kernels
