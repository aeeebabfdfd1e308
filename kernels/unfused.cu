// What the unfused path has around its convolution (cuDNN) and its products over time (cuBLAS):
//   unfused_songs    chroma, rolled and padded with zeros to the longest song, as float
//   unfused_events   bias, activation and centring; zeros past a song's end, so that all songs have
//                    as many frames and every lag may read beyond them
//   unfused_finish   window mix, compression, unit length
// and the gradients, the other way round:
//   unfused_unmix    from the fingerprint's to those of windows and correlation matrices
//   unfused_mask     from those of events to those of responses and biases
//   unfused_sum      from songs to weights
#include "cooccurrence.cuh"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;

// Grid (songs). x [songs, rows, 12 * bands].
__global__ void __launch_bounds__(kThreads)
    gather_songs(ChromaView chroma, const Excerpt* excerpts, int rows, float* x) {
  const std::int64_t song = blockIdx.x;
  load_chroma(chroma, excerpts[song], 0, rows, x + song * rows * chroma.width());
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

/// Bigram `at` of a song before compression. correlations [lags, N, N].
__device__ float pooled_bigram(const BigramParams& params, const LagSet& lags, const float* weights,
                               const float* correlations, int at, int frames) {
  const int n = params.events, f = at / (n * n), i = at / n % n, j = at % n;
  const float* window = weights + params.window_offset() + f * params.taps;
  double sum = 0;  // the matrices of neighbouring lags are alike: little of them is left
  for (int l = 0; l < params.taps; ++l) {
    const float* c = correlations + lags.of_tap[l] * n * n;
    sum += static_cast<double>(window[l]) * (params.lags[l] < 0 ? c[j * n + i] : c[i * n + j]);
  }
  return static_cast<float>(sum) /
         (params.pooling == Pooling::mean ? static_cast<float>(frames) : 1.f);
}

// Grid (songs). correlations [songs, lags, N, N]; out [songs, dims].
__global__ void __launch_bounds__(kThreads)
    mix_windows(const Excerpt* excerpts, const float* weights, BigramParams params, LagSet lags,
                const float* correlations, float* out) {
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  const std::int64_t song = blockIdx.x;
  const int n = params.events, frames = params.event_frames(excerpts[song].frames);
  correlations += song * lags.count * n * n;
  out += song * params.dims();
  float square = 0;
  for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
    out[at] = compress(params.compression,
                       pooled_bigram(params, lags, weights, correlations, at, frames));
    square += out[at] * out[at];
  }
  if (!params.unit_norm) return;
  const float length = sqrtf(block_sum(square, scratch));
  for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
    out[at] = length > kSilentNorm ? out[at] / length : 0.f;
  }
}

// Grid (songs). Gradients: out [songs, dims] to correlations [songs, lags, N, N] and windows
// [songs, F, L]; bigrams [songs, dims] are in between.
__global__ void __launch_bounds__(kThreads)
    unmix_windows(const Excerpt* excerpts, const float* weights, BigramParams params, LagSet lags,
                  const float* correlations, const float* out_gradient, float* bigram_gradient,
                  float* correlation_gradient, float* window_gradient) {
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  const std::int64_t song = blockIdx.x;
  const int n = params.events, square = n * n, taps = params.taps, dims = params.dims();
  const int frames = params.event_frames(excerpts[song].frames);
  const float* windows = weights + params.window_offset();
  correlations += song * lags.count * square;
  correlation_gradient += song * lags.count * square;
  out_gradient += song * dims;
  bigram_gradient += song * dims;
  window_gradient += song * params.windows * taps;

  float squares = 0, along = 0;
  for (int at = threadIdx.x; at < dims; at += kThreads) {
    const float g = pooled_bigram(params, lags, weights, correlations, at, frames);
    const float y = compress(params.compression, g);
    squares += y * y;
    along += y * out_gradient[at];
    bigram_gradient[at] = g;
  }
  squares = block_sum(squares, scratch);
  along = block_sum(along, scratch) / squares;
  const float length = params.unit_norm ? sqrtf(squares) : 1.f;
  const float pool = params.pooling == Pooling::mean ? static_cast<float>(frames) : 1.f;
  for (int at = threadIdx.x; at < dims; at += kThreads) {
    const float g = bigram_gradient[at];
    float dy = out_gradient[at];
    // What of the gradient lies along y does not change y / |y|.
    if (params.unit_norm) dy = (dy - compress(params.compression, g) * along) / length;
    bigram_gradient[at] =
        length > kSilentNorm ? dy * compress_slope(params.compression, g) / pool : 0.f;
  }
  __syncthreads();

  // A warp for each value of a window.
  for (int at = threadIdx.x / kWarpThreads; at < params.windows * taps;
       at += kThreads / kWarpThreads) {
    const int f = at / taps, l = at % taps;
    const float* c = correlations + lags.of_tap[l] * square;
    float sum = 0;
    for (int ij = threadIdx.x % kWarpThreads; ij < square; ij += kWarpThreads) {
      sum +=
          bigram_gradient[f * square + ij] * (params.lags[l] < 0 ? c[ij % n * n + ij / n] : c[ij]);
    }
    sum = warp_sum(sum);
    if (threadIdx.x % kWarpThreads == 0) window_gradient[at] = sum;
  }
  for (int at = threadIdx.x; at < lags.count * square; at += kThreads) {
    const int k = at / square, ij = at % square, ji = ij % n * n + ij / n;
    float sum = 0;
    for (int l = 0; l < taps; ++l) {
      if (lags.of_tap[l] != k) continue;
      for (int f = 0; f < params.windows; ++f) {
        sum += windows[f * taps + l] * bigram_gradient[f * square + (params.lags[l] < 0 ? ji : ij)];
      }
    }
    correlation_gradient[at] = sum;
  }
}

// Grid (songs). gradient [songs, frames, N]: of the events, becomes that of their responses [songs,
// frames, N]; bias_gradient [songs, N].
__global__ void __launch_bounds__(kThreads)
    mask_events(const Excerpt* excerpts, const float* weights, BigramParams params,
                const float* responses, int frames, float* gradient, float* bias_gradient) {
  REPRISE_SHARED(float, scratch, [kThreads]);
  REPRISE_SHARED(float, mean, [kMaxEvents]);
  const std::int64_t song = blockIdx.x;
  const int n = params.events, own = params.event_frames(excerpts[song].frames);
  responses += song * frames * n;
  gradient += song * frames * n;
  const ColumnSlices columns(n);
  const int i = columns.n, first = columns.active() ? columns.slice : frames;
  float sum = 0;
  for (int t = first; params.centre_events && t < own; t += columns.slices) {
    sum += gradient[t * n + i];
  }
  columns.finish(sum, n, scratch, mean);
  __syncthreads();
  float bias = 0;
  for (int t = first; t < frames; t += columns.slices) {
    const bool passes = params.activation == Activation::none ||
                        responses[t * n + i] + weights[params.bias_offset() + i] > 0;
    float& value = gradient[t * n + i];
    value = passes && t < own ? value - mean[i] / static_cast<float>(own) : 0.f;
    bias += value;
  }
  columns.finish(bias, n, scratch, bias_gradient + song * n);
}

// One thread for each weight. filters [N, length, 12 * bands]; biases [songs, N]; windows [songs,
// F, L].
__global__ void __launch_bounds__(kThreads)
    sum_songs(BigramParams params, std::int64_t songs, const float* filters, const float* biases,
              const float* windows, float* gradient) {
  const int at = blockIdx.x * kThreads + threadIdx.x;
  if (at >= params.weights()) return;
  float total = 0;
  if (at < params.bias_offset()) {
    total = filters[at];
  } else if (at < params.window_offset()) {
    for (std::int64_t s = 0; s < songs; ++s) {
      total += biases[s * params.events + at - params.bias_offset()];
    }
  } else {
    for (std::int64_t s = 0; s < songs; ++s) {
      total += windows[s * params.windows * params.taps + at - params.window_offset()];
    }
  }
  gradient[at] += total;
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

void unfused_unmix(const BigramBatch& batch, const BigramParams& params, const float* correlations,
                   const float* out_gradient, float* bigram_gradient, float* correlation_gradient,
                   float* window_gradient, cudaStream_t stream) {
  launch(unmix_windows, song_each(batch.count, stream), batch.excerpts, batch.weights, params,
         distinct_lags(params), correlations, out_gradient, bigram_gradient, correlation_gradient,
         window_gradient);
}

void unfused_mask(const BigramBatch& batch, const BigramParams& params, const float* responses,
                  int frames, float* gradient, float* bias_gradient, cudaStream_t stream) {
  launch(mask_events, song_each(batch.count, stream), batch.excerpts, batch.weights, params,
         responses, frames, gradient, bias_gradient);
}

void unfused_sum(const BigramParams& params, std::int64_t songs, const float* filters,
                 const float* biases, const float* windows, float* gradient, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((params.weights() + kThreads - 1) / kThreads);
  launch(sum_songs, {.grid = blocks, .block = kThreads, .stream = stream}, params, songs, filters,
         biases, windows, gradient);
}

}  // namespace reprise::kernels
