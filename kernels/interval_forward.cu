// Bigrams of kernels in 12 rotations, summed over the rotations.
#include "device.h"
#include "launch.h"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;

// Grid (songs, values / kThreads). m [songs, F, N, N], out [songs, F, K, K, 12].
__global__ void __launch_bounds__(kThreads)
    add_rotations(const float* m, int windows, int events, float* out) {
  const int kernels = events / kPitchClasses, values = windows * kernels * kernels * kPitchClasses;
  const int value = blockIdx.y * kThreads + threadIdx.x;
  if (value >= values) return;
  const int d = value % kPitchClasses, pair = value / kPitchClasses;
  const int second = pair % kernels, first = pair / kernels % kernels;
  const int window = pair / (kernels * kernels);
  const std::int64_t song = blockIdx.x;
  const float* of_window =
      m + (song * windows + window) * static_cast<std::int64_t>(events) * events;
  float sum = 0;
  for (int p = 0; p < kPitchClasses; ++p) {
    const int i = first * kPitchClasses + p;
    const int j = second * kPitchClasses + (p + d) % kPitchClasses;
    sum += of_window[i * events + j];
  }
  out[song * values + value] = sum;
}

}  // namespace

void sum_rotations(const float* m, std::int64_t count, const BigramParams& params, float* out,
                   cudaStream_t stream) {
  if (count == 0) return;
  const int values = params.dims() / kPitchClasses;
  launch(add_rotations,
         {.grid = {static_cast<unsigned>(count),
                   static_cast<unsigned>((values + kThreads - 1) / kThreads)},
          .block = kThreads,
          .stream = stream},
         m, params.windows, params.events, out);
}

}  // namespace reprise::kernels
