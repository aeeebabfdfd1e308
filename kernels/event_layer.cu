// A stage of an event network (see EventLayerParams), in three kernels:
//   respond          convolution, activation and maximum, an output a thread
//   filter_gradient  a filter's value a lane, the songs dealt out to the warps of a block
//   input_gradient   an input value a thread
// Each gathers what it needs, in a fixed order, so that nothing is added atomically. Only the
// strongest frame of those that are pooled passes a gradient on.
#include "device.h"
#include "launch.h"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpThreads;

__device__ float activate(LayerActivation h, float response) {
  return h == LayerActivation::tanh ? tanhf(response) : fmaxf(response, 0.f);
}

/// The gradient of a response from that of what it became.
__device__ float response_gradient(LayerActivation h, float out, float out_gradient) {
  if (h == LayerActivation::tanh) return out_gradient * (1.f - out * out);
  return out > 0.f ? out_gradient : 0.f;
}

/// Frames that a filter reaches back.
__device__ int reach(const EventLayerParams& p) {
  return (p.length - 1) / 2;
}

// Grid (songs, values / kThreads).
__global__ void __launch_bounds__(kThreads)
    respond(const float* x, const float* weights, EventLayerParams p, float* out,
            std::int32_t* argmax) {
  const std::int64_t song = blockIdx.x;
  const int value = blockIdx.y * kThreads + threadIdx.x;
  if (value >= p.out_values()) return;
  const int n = value % p.filters, first = value / p.filters * p.pool;
  const float* songs_x = x + song * p.in_values();
  const float* filter = weights + static_cast<std::int64_t>(n) * p.terms();
  float best = 0;
  int winner = first;
  for (int t = first; t < min(first + p.pool, p.frames); ++t) {
    const int start = t - reach(p);  // a receptive field is a run of x
    const int begin = max(0, -start) * p.channels;
    const int end = min(p.length, p.frames - start) * p.channels;
    const float* field = songs_x + static_cast<std::int64_t>(start) * p.channels;
    float sum = 0;
    for (int r = begin; r < end; ++r) sum += filter[r] * field[r];
    if (t > first && !(sum > best)) continue;
    best = sum;
    winner = t;
  }
  // Both activations rise: the strongest response is the largest of what they make of it.
  out[song * p.out_values() + value] = activate(p.activation, best + weights[p.bias_offset() + n]);
  if (argmax != nullptr) argmax[song * p.out_values() + value] = winner;
}

// Grid (filters, (terms + 1) / kWarpThreads): behind a filter's values stands its bias.
__global__ void __launch_bounds__(kThreads)
    filter_gradient(const float* x, std::int64_t count, EventLayerParams p, const float* out,
                    const std::int32_t* argmax, const float* out_gradient, float* gradient) {
  REPRISE_SHARED(float, sums, [kWarps][kWarpThreads]);
  const int n = blockIdx.x, warp = threadIdx.x / kWarpThreads, lane = threadIdx.x % kWarpThreads;
  const int term = blockIdx.y * kWarpThreads + lane;
  const int frame = term / p.channels - reach(p), channel = term % p.channels;
  float sum = 0;
  for (std::int64_t song = warp; song < count; song += kWarps) {
    for (int s = 0; s < p.out_frames(); ++s) {
      const std::int64_t at = song * p.out_values() + s * p.filters + n;
      const float g = response_gradient(p.activation, out[at], out_gradient[at]);
      const int t = argmax[at] + frame;
      if (term == p.terms()) {
        sum += g;
      } else if (term < p.terms() && t >= 0 && t < p.frames) {
        sum += g * x[song * p.in_values() + t * p.channels + channel];
      }
    }
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || term > p.terms()) return;
  float total = 0;
  for (int w = 0; w < kWarps; ++w) total += sums[w][lane];
  const bool bias = term == p.terms();
  gradient[bias ? p.bias_offset() + n : static_cast<std::int64_t>(n) * p.terms() + term] = total;
}

// Grid (songs, values / kThreads).
__global__ void __launch_bounds__(kThreads)
    input_gradient(const float* weights, EventLayerParams p, const float* out,
                   const std::int32_t* argmax, const float* out_gradient, float* x_gradient) {
  const std::int64_t song = blockIdx.x;
  const int value = blockIdx.y * kThreads + threadIdx.x;
  if (value >= p.in_values()) return;
  const int frame = value / p.channels, channel = value % p.channels;
  float sum = 0;
  for (int q = 0; q < p.length; ++q) {
    const int t = frame + reach(p) - q;  // whose filters see this frame at q
    if (t < 0 || t >= p.frames) continue;
    const std::int64_t first = song * p.out_values() + t / p.pool * p.filters;
    for (int n = 0; n < p.filters; ++n) {
      if (argmax[first + n] != t) continue;
      const float g = response_gradient(p.activation, out[first + n], out_gradient[first + n]);
      sum += g * weights[static_cast<std::int64_t>(n) * p.terms() + q * p.channels + channel];
    }
  }
  x_gradient[song * p.in_values() + value] = sum;
}

unsigned pieces(int count, int of) {
  return static_cast<unsigned>((count + of - 1) / of);
}

}  // namespace

void event_layer_forward(const ops::EventLayerForward& op, cudaStream_t stream) {
  if (op.count == 0) return;
  launch(respond,
         {.grid = {static_cast<unsigned>(op.count), pieces(op.params.out_values(), kThreads)},
          .block = kThreads,
          .stream = stream},
         op.x, op.weights, op.params, op.out, op.argmax);
}

void event_layer_backward(const ops::EventLayerBackward& op, cudaStream_t stream) {
  const EventLayerParams& p = op.params;
  launch(filter_gradient,
         {.grid = {static_cast<unsigned>(p.filters), pieces(p.terms() + 1, kWarpThreads)},
          .block = kThreads,
          .stream = stream},
         op.x, op.count, p, op.out, op.argmax, op.out_gradient, op.gradient);
  if (op.x_gradient == nullptr || op.count == 0) return;
  launch(input_gradient,
         {.grid = {static_cast<unsigned>(op.count), pieces(p.in_values(), kThreads)},
          .block = kThreads,
          .stream = stream},
         op.weights, p, op.out, op.argmax, op.out_gradient, op.x_gradient);
}

}  // namespace reprise::kernels
