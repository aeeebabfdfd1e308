// Events from chroma: E[t,n] = h(bias[n] + sum_{p,c} filter[n,p,c] x[t+p,c]), computed by a
// block into shared memory and never written to device memory; or read, where they were given.
#pragma once

#include "bigram_plan.h"
#include "device.h"

namespace reprise {

/// Hands out arrays of a block's dynamic shared memory, one after another (see shared_bytes).
struct SharedArrays {
  unsigned char* next;

  template <typename T>
  __device__ T* take(int count) {
    T* taken = reinterpret_cast<T*>(next);
    next += round_up(count * static_cast<int>(sizeof(T)), kSharedAlignment);
    return taken;
  }
};

/// Filters, biases and means of the events in shared memory, padded with zeros to whole tiles.
struct EventModel {
  float* filters;  // [length * width, padded], width: of a frame of chroma
  float* bias;     // [padded]
  float* mean;     // [padded], zero where events are not centred

  __device__ EventModel(float* memory, const BigramPlan& shape)
      : filters(memory),
        bias(memory + shape.filter_rows() * shape.padded),
        mean(bias + shape.padded) {}

  /// weights: as BigramParams lays them out; mean_of(n): of event n. Ends without a barrier.
  template <typename MeanOf>
  __device__ void load(const BigramPlan& shape, const float* weights, MeanOf mean_of) {
    const int events = shape.p.events, rows = shape.filter_rows();
    for (int at = threadIdx.x; at < rows * shape.padded; at += blockDim.x) {
      const int row = at / shape.padded, n = at % shape.padded;
      filters[at] = n < events ? weights[n * rows + row] : 0.f;
    }
    for (int n = threadIdx.x; n < shape.padded; n += blockDim.x) {
      bias[n] = n < events && !shape.p.given_events ? weights[shape.p.bias_offset() + n] : 0.f;
      mean[n] = n < events ? mean_of(n) : 0.f;
    }
  }
};

__device__ inline float activate(Activation h, float response) {
  switch (h) {
    case Activation::step:
      return response > 0.f ? 1.f : 0.f;
    case Activation::none:
      return response;
    default:
      return fmaxf(response, 0.f);
  }
}

/// x [rows, width] = frames `first` to `first + rows` of the excerpt, transposed by its roll and
/// zero outside it. Ends without a barrier.
__device__ inline void load_chroma(const ChromaView& chroma, const Excerpt& excerpt, int first,
                                   int rows, float* x) {
  const int width = chroma.width();
  for (int low = 0; low < width; low += kPitchClasses) {  // column 0 of a band
    for (int at = threadIdx.x; at < rows * kPitchClasses; at += blockDim.x) {
      const int row = at / kPitchClasses, c = at % kPitchClasses, t = first + row;
      const int source = c < excerpt.roll ? c - excerpt.roll + kPitchClasses : c - excerpt.roll;
      const bool inside = t >= 0 && t < excerpt.frames;
      x[row * width + low + c] = inside ? chroma.at(excerpt.first + t, low + source) : 0.f;
    }
  }
}

/// Calls use(row, n, event) for rows 0 to `rows` (an even number) and all padded n, where `event`
/// is not centred. x [rows + length - 1, width]. A thread computes two rows of four events.
template <typename Use>
__device__ void for_each_event(const BigramPlan& shape, const EventModel& model, const float* x,
                               int rows, Use use) {
  const int quads = shape.padded / 4, filter_rows = shape.filter_rows(), width = shape.p.width();
  for (int item = threadIdx.x; item < rows / 2 * quads; item += blockDim.x) {
    const int row = item / quads * 2, n = item % quads * 4;
    const float* upper = x + row * width;
    float sums[2][4];
    for (int i = 0; i < 4; ++i) sums[0][i] = sums[1][i] = model.bias[n + i];
#pragma unroll 4
    for (int r = 0; r < filter_rows; ++r) {
      const float4 w = *reinterpret_cast<const float4*>(model.filters + r * shape.padded + n);
      const float a = upper[r], b = upper[r + width];
      sums[0][0] += w.x * a;
      sums[0][1] += w.y * a;
      sums[0][2] += w.z * a;
      sums[0][3] += w.w * a;
      sums[1][0] += w.x * b;
      sums[1][1] += w.y * b;
      sums[1][2] += w.z * b;
      sums[1][3] += w.w * b;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      use(row, n + i, activate(shape.p.activation, sums[0][i]));
      use(row + 1, n + i, activate(shape.p.activation, sums[1][i]));
    }
  }
}

/// events [rows, stride]: centred events of the frames `first` to `first + rows`, rounded, zero
/// outside the song. x: scratch for this function only, shape.chroma_floats(rows). Has a barrier
/// before it writes events, for those who read the last ones, and one after.
template <typename Precision>
__device__ void compute_events(const BigramPlan& shape, const EventModel& model,
                               const ChromaView& chroma, const Excerpt& excerpt, int first,
                               int rows, float* x, typename Precision::Storage* events) {
  const int frames = shape.p.event_frames(excerpt.frames);
  if (shape.p.given_events) {
    const float* given = static_cast<const float*>(chroma.data);
    __syncthreads();
    for (int at = threadIdx.x; at < rows * shape.padded; at += blockDim.x) {
      const int t = first + at / shape.padded, n = at % shape.padded;
      const bool inside = t >= 0 && t < frames && n < shape.p.events;
      events[at / shape.padded * shape.stride + n] =
          Precision::round(inside ? given[(excerpt.first + t) * shape.p.events + n] : 0.f);
    }
    __syncthreads();
    return;
  }
  load_chroma(chroma, excerpt, first, rows + shape.p.event_length - 1, x);
  __syncthreads();
  for_each_event(shape, model, x, rows, [&](int row, int n, float event) {
    const bool inside = first + row >= 0 && first + row < frames;
    events[row * shape.stride + n] = Precision::round(inside ? event - model.mean[n] : 0.f);
  });
  __syncthreads();
}

/// A block's threads as columns of a [rows, padded] tile: each sums every `slices`-th row of one
/// column, and finish() adds the slices in order.
struct ColumnSlices {
  int n, slice, slices;

  __device__ explicit ColumnSlices(int padded)
      : n(threadIdx.x % padded), slice(threadIdx.x / padded), slices(blockDim.x / padded) {}
  __device__ bool active() const { return slice < slices; }

  /// out [padded]; scratch: shared, [blockDim.x], for this function only.
  __device__ void finish(float sum, int padded, float* scratch, float* out) const {
    __syncthreads();
    scratch[threadIdx.x] = sum;
    __syncthreads();
    if (slice == 0) {
      float total = 0;
      for (int s = 0; s < slices; ++s) total += scratch[s * padded + n];
      out[n] = total;
    }
  }
};

}  // namespace reprise
