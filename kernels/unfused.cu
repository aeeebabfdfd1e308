// What the unfused path has around its convolution (cuDNN) and its products over time (cuBLAS):
//   unfused_songs    chroma, rolled and padded with zeros to the longest song, as float
//   unfused_events   bias, activation and centring; zeros past a song's end, so that all songs have
//                    as many frames and every lag may read beyond them
//   unfused_finish   window mix, compression, unit length
#include "cooccurrence.cuh"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;

// Grid (songs). x [songs, rows, 12].
__global__ void __launch_bounds__(kThreads)
    gather_songs(ChromaView chroma, const Excerpt* excerpts, int rows, float* x) {
  const std::int64_t song = blockIdx.x;
  load_chroma(chroma, excerpts[song], 0, rows, x + song * rows * kPitchClasses);
}

// Grid (songs). responses [songs, frames, N], without bias; events [songs, rows, N].
__global__ void __launch_bounds__(kThreads)
    settle_events(const Excerpt* excerpts, const float* weights, BigramParams params,
                  const float* responses, int frames, int rows, float* events) {
  REPRISE_SHARED(float, scratch, [kThreads]);
  REPRISE_SHARED(float, mean, [kMaxEvents]);
  const std::int64_t song = blockIdx.x;
  const int n = params.events, own = params.event_frames(excerpts[song].frames);
  responses += song * frames * n;
  events += song * rows * n;
  const ColumnSlices columns(n);
  const auto event = [&](int t, int i) {
    return activate(params.activation, responses[t * n + i] + weights[params.bias_offset() + i]);
  };
  float sum = 0;
  if (params.centre_events && columns.active()) {
    for (int t = columns.slice; t < own; t += columns.slices) sum += event(t, columns.n);
  }
  columns.finish(sum, n, scratch, mean);
  __syncthreads();
  for (int at = threadIdx.x; at < rows * n; at += kThreads) {
    const int t = at / n, i = at % n;
    events[at] = t < own ? event(t, i) - mean[i] / static_cast<float>(own) : 0.f;
  }
}

// Grid (songs). correlations [songs, lags, N, N]; out [songs, dims].
__global__ void __launch_bounds__(kThreads)
    mix_windows(const Excerpt* excerpts, const float* weights, BigramParams params, LagSet lags,
                const float* correlations, float* out) {
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  const std::int64_t song = blockIdx.x;
  const int n = params.events;
  correlations += song * lags.count * n * n;
  out += song * params.dims();
  const float frames = params.pooling == Pooling::mean
                           ? static_cast<float>(params.event_frames(excerpts[song].frames))
                           : 1.f;
  float square = 0;
  for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
    const int f = at / (n * n), i = at / n % n, j = at % n;
    const float* window = weights + params.window_offset() + f * params.taps;
    double sum = 0;  // the matrices of neighbouring lags are alike: little of them is left
    for (int l = 0; l < params.taps; ++l) {
      const float* c = correlations + lags.of_tap[l] * n * n;
      sum += static_cast<double>(window[l]) * (params.lags[l] < 0 ? c[j * n + i] : c[i * n + j]);
    }
    out[at] = compress(params.compression, static_cast<float>(sum) / frames);
    square += out[at] * out[at];
  }
  if (!params.unit_norm) return;
  const float length = sqrtf(block_sum(square, scratch));
  for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
    out[at] = length > kSilentNorm ? out[at] / length : 0.f;
  }
}

LaunchConfig song_each(std::int64_t count, cudaStream_t stream) {
  return {.grid = static_cast<unsigned>(count), .block = kThreads, .stream = stream};
}

}  // namespace

void unfused_songs(const BigramBatch& batch, int rows, float* x, cudaStream_t stream) {
  launch(gather_songs, song_each(batch.count, stream), batch.chroma, batch.excerpts, rows, x);
}

void unfused_events(const BigramBatch& batch, const BigramParams& params, const float* responses,
                    int frames, int rows, float* events, cudaStream_t stream) {
  launch(settle_events, song_each(batch.count, stream), batch.excerpts, batch.weights, params,
         responses, frames, rows, events);
}

void unfused_finish(const BigramBatch& batch, const BigramParams& params, const float* correlations,
                    float* out, cudaStream_t stream) {
  launch(mix_windows, song_each(batch.count, stream), batch.excerpts, batch.weights, params,
         distinct_lags(params), correlations, out);
}

}  // namespace reprise::kernels
