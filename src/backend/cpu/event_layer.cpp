// A stage of an event network (see EventLayerParams), song by song.
//
// The forward is a dense product a song: a frame's receptive field is a row of the left matrix. Of
// the frames that are pooled only the strongest passes a gradient on, so the backward adds up
// multiples of rows, one for each output: a receptive field is a run of x, and so is its gradient.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/event_layer.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/gemm.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

#ifndef REPRISE_EVENT_LAYER_FIELD_
#define REPRISE_EVENT_LAYER_FIELD_
namespace reprise::cpu {

// The part of frame t's receptive field that lies inside the song.
struct Field {
  Field(const EventLayerParams& p, std::int64_t t) {
    const std::int64_t start = t - (p.length - 1) / 2;
    first = std::max<std::int64_t>(start, 0);
    frames = std::min<std::int64_t>(start + p.length, p.frames) - first;
    skipped = first - start;
  }
  std::int64_t first;  // frame of the song
  std::int64_t frames;
  std::int64_t skipped;  // frames of the filter before the song
};

// The gradients of the responses that were kept, from those of what became of them.
struct ResponseGradients {
  float at(std::int64_t i) const {
    if (p.activation == LayerActivation::tanh) return out_gradient[i] * (1 - out[i] * out[i]);
    return out[i] > 0 ? out_gradient[i] : 0.0f;
  }
  const EventLayerParams& p;
  const float* out;
  const std::int32_t* argmax;
  const float* out_gradient;
};

}  // namespace reprise::cpu
#endif  // REPRISE_EVENT_LAYER_FIELD_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// to += factor * from.
HWY_INLINE void add_multiple(float factor, const float* HWY_RESTRICT from, std::int64_t count,
                             float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 16> f32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f32));
  const auto by = hn::Set(f32, factor);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::MulAdd(by, hn::LoadU(f32, from + i), hn::LoadU(f32, to + i)), f32, to + i);
  for (; i < count; ++i) to[i] += factor * from[i];
}

// The gradient of filter n, from the songs in order.
void filter_gradient(const ResponseGradients& of, const float* x, std::int64_t count,
                     std::int64_t n, float* gradient) {
  const EventLayerParams& p = of.p;
  float* filter = gradient + n * p.terms();
  std::fill_n(filter, p.terms(), 0.0f);
  float bias = 0;
  for (std::int64_t at = n; at < count * p.out_values(); at += p.filters) {
    const float g = of.at(at);
    if (g == 0) continue;
    bias += g;
    const Field field(p, of.argmax[at]);
    add_multiple(g, x + at / p.out_values() * p.in_values() + field.first * p.channels,
                 field.frames * p.channels, filter + field.skipped * p.channels);
  }
  gradient[p.bias_offset() + n] = bias;
}

// The gradient of a song.
void input_gradient(const ResponseGradients& of, const float* weights, std::int64_t song,
                    float* x_gradient) {
  const EventLayerParams& p = of.p;
  float* to = x_gradient + song * p.in_values();
  std::fill_n(to, p.in_values(), 0.0f);
  for (std::int64_t i = 0; i < p.out_values(); ++i) {
    const std::int64_t at = song * p.out_values() + i;
    const float g = of.at(at);
    if (g == 0) continue;
    const Field field(p, of.argmax[at]);
    add_multiple(g, weights + i % p.filters * p.terms() + field.skipped * p.channels,
                 field.frames * p.channels, to + field.first * p.channels);
  }
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {
namespace {

HWY_EXPORT(filter_gradient);
HWY_EXPORT(input_gradient);

// fields [frames, terms]: what each frame's filters see; x itself where they see one frame.
const float* receptive_fields(const float* x, const EventLayerParams& p,
                              std::vector<float>& memory) {
  if (p.length == 1) return x;
  memory.assign(static_cast<std::size_t>(p.frames) * p.terms(), 0.0f);
  for (std::int64_t t = 0; t < p.frames; ++t) {
    const Field field(p, t);
    std::copy_n(x + field.first * p.channels, field.frames * p.channels,
                memory.data() + t * p.terms() + field.skipped * p.channels);
  }
  return memory.data();
}

float activate(LayerActivation h, float response) {
  return h == LayerActivation::tanh ? std::tanh(response) : std::max(0.0f, response);
}

// responses [frames, filters], without bias. Both activations rise, so that the largest response is
// the largest of what they make of it.
void pool(const EventLayerParams& p, const float* responses, const float* bias, float* out,
          std::int32_t* argmax) {
  std::vector<std::int32_t> frame(p.filters);
  for (int s = 0; s < p.out_frames(); ++s, out += p.filters) {
    const int first = s * p.pool, end = std::min(first + p.pool, p.frames);
    std::copy_n(responses + std::int64_t{first} * p.filters, p.filters, out);
    std::fill(frame.begin(), frame.end(), first);
    for (int t = first + 1; t < end; ++t) {
      const float* row = responses + std::int64_t{t} * p.filters;
      for (int n = 0; n < p.filters; ++n) {
        frame[n] = row[n] > out[n] ? t : frame[n];
        out[n] = std::max(out[n], row[n]);
      }
    }
    for (int n = 0; n < p.filters; ++n) out[n] = activate(p.activation, out[n] + bias[n]);
    if (argmax) std::copy(frame.begin(), frame.end(), argmax + std::int64_t{s} * p.filters);
  }
}

}  // namespace

void run(const ops::EventLayerForward& op, const Context& context) {
  const EventLayerParams& p = op.params;
  struct Scratch {
    std::vector<float> fields, responses;
  };
  std::vector<Scratch> scratch(context.threads);
  const OneBlasThread one_thread;
  // Songs of a task: a dense layer, which has one frame a song, is a product of many rows, too.
  const std::int64_t songs = std::max(1, 64 / p.frames);
  parallel_for((op.count + songs - 1) / songs, context.threads, [&](std::int64_t task, int member) {
    const std::int64_t first = task * songs, some = std::min(songs, op.count - first);
    Scratch& mine = scratch[member];
    mine.responses.resize(static_cast<std::size_t>(some) * p.frames * p.filters);
    const std::int64_t together = p.length == 1 ? some : 1;  // songs of a product
    for (std::int64_t i = 0; i < some; i += together)
      gemm_block(true, together * p.frames, p.filters, p.terms(),
                 receptive_fields(op.x + (first + i) * p.in_values(), p, mine.fields), op.weights,
                 p.terms(), mine.responses.data() + i * p.frames * p.filters, p.filters);
    for (std::int64_t i = 0; i < some; ++i)
      pool(p, mine.responses.data() + i * p.frames * p.filters, op.weights + p.bias_offset(),
           op.out + (first + i) * p.out_values(),
           op.argmax ? op.argmax + (first + i) * p.out_values() : nullptr);
  });
}

void run(const ops::EventLayerBackward& op, const Context& context) {
  const ResponseGradients of{op.params, op.out, op.argmax, op.out_gradient};
  parallel_for(op.params.filters, context.threads, [&](std::int64_t n, int) {
    HWY_DYNAMIC_DISPATCH(filter_gradient)(of, op.x, op.count, n, op.gradient);
  });
  if (!op.x_gradient) return;
  parallel_for(op.count, context.threads, [&](std::int64_t song, int) {
    HWY_DYNAMIC_DISPATCH(input_gradient)(of, op.weights, song, op.x_gradient);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
