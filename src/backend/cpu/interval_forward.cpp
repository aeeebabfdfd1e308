// Bigrams of kernels in 12 rotations, summed over the rotations (see backend.h), through the
// Fourier transform over the rotations.
//
// The sum over p of a_p b_(p+d) is a cyclic correlation. With C_w and S_w the sums of a_p cos(w p
// pi / 6) and a_p sin(w p pi / 6), of which the real a has 12, for the frequencies 0 to 6,
//   12 sum_p a_p b_(p+d) = C_0 C'_0 + (-1)^d C_6 C'_6
//                          + 2 sum_w (C_w C'_w + S_w S'_w) cos(w d pi / 6)
//                                  + (C_w S'_w - S_w C'_w) sin(w d pi / 6)        w = 1 .. 5
// so that of two kernels 22 products over time are needed and not 144.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/interval_forward.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/bigram_events-inl.h"
#include "backend/cpu/delayed_product-inl.h"
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <cmath>
#include <numbers>
#include <vector>

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

#ifndef REPRISE_INTERVAL_FORWARD_SCRATCH_
#define REPRISE_INTERVAL_FORWARD_SCRATCH_
namespace reprise::cpu {

constexpr int kFrequencies = 7;

// Where the components of a frequency lie in those of a frame: C_0, C_6, C_1, S_1, ... C_5, S_5.
struct Frequency {
  int first;       // component of a kernel
  int components;  // of a kernel: 1 or 2
};

// The transform over the rotations and the way back to intervals.
struct RotationTransform {
  RotationTransform() {
    const auto turn = [](int by) { return by * std::numbers::pi / 6; };
    for (int w = 0; w <= 6; ++w) {
      const bool real = w % 6 == 0;
      const int first = w == 0 ? 0 : w == 6 ? 1 : 2 * w;
      frequencies[w] = {first, real ? 1 : 2};
      for (int p = 0; p < 12; ++p) {
        cosine[w][p] = static_cast<float>(std::cos(turn(w * p)));
        sine[w][p] = static_cast<float>(std::sin(turn(w * p)));
        basis[p * 12 + first] = cosine[w][p];
        if (!real) basis[p * 12 + first + 1] = sine[w][p];
      }
    }
  }
  Frequency frequencies[kFrequencies];
  float cosine[kFrequencies][12], sine[kFrequencies][12];
  float basis[12 * 12 + kPad] = {};  // [rotation, component]
};

// Memory of one thread, reused from song to song.
struct IntervalScratch {
  EventScratch event;
  Floats reserve, series, product;
  std::vector<float> intervals;
};

}  // namespace reprise::cpu
#endif  // REPRISE_INTERVAL_FORWARD_SCRATCH_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// series: of each frequency its components [frames, kernels, 1 or 2], `stride` floats from one to
// the next.
void transform_rotations(const RotationTransform& transform, const SongBuffers& b,
                         std::int64_t stride, float* series) {
  const int kernels = b.n / 12;
  float components[12 + kLanes];
  for (std::int64_t t = 0; t < b.frames; ++t)
    for (int k = 0; k < kernels; ++k) {
      const float* events = b.row(t) + 12 * k;
      for (int c = 0; c < 12; c += kLanes) {
        Vec sum = hn::Zero(kF32);
        for (int p = 0; p < 12; ++p)
          sum = hn::MulAdd(hn::Set(kF32, events[p]), hn::LoadU(kF32, transform.basis + p * 12 + c),
                           sum);
        hn::StoreU(sum, kF32, components + c);
      }
      for (int w = 0; w < kFrequencies; ++w) {
        const auto [first, count] = transform.frequencies[w];
        float* to = series + w * stride + (t * kernels + k) * count;
        for (int c = 0; c < count; ++c) to[c] = components[first + c];
      }
    }
}

// Adds what frequency w gives to the intervals [lags, K, K, 12] of each lag.
void add_frequency(const BigramShape& s, const RotationTransform& transform, int w,
                   std::int64_t frames, const float* series, IntervalScratch& scratch) {
  const int kernels = s.n / 12, count = transform.frequencies[w].components;
  const int n = kernels * count;
  DelayedProduct product(series, series, n, s.plan.lags, scratch.product);
  product.run(frames);
  float* to = scratch.intervals.data();
  for (int l = 0; l < s.lags.count; ++l) {
    const float* of_lag = product.of(s.plan.lags[l]);
    // Row j, column i: the product of component i of the later frame with component j.
    const auto at = [&](int later, int earlier) {
      return of_lag[earlier * product.stride() + later];
    };
    for (int k = 0; k < kernels; ++k)
      for (int m = 0; m < kernels; ++m, to += 12) {
        const int a = k * count, b = m * count;
        const float even = count == 1 ? at(a, b) / 12 : (at(a, b) + at(a + 1, b + 1)) / 6;
        const float odd = count == 1 ? 0 : (at(a, b + 1) - at(a + 1, b)) / 6;
        for (int d = 0; d < 12; ++d)
          to[d] += even * transform.cosine[w][d] + odd * transform.sine[w][d];
      }
  }
}

void interval_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                   const BigramShape& s, const RotationTransform& transform,
                   IntervalScratch& scratch, float* out) {
  const BigramParams& p = s.p;
  const int kernels = s.n / 12, values = kernels * kernels * 12;
  const std::int64_t frames = p.event_frames(excerpt.frames);
  const SongBuffers b(s, frames, scratch.reserve.resize(reserve_floats(s, excerpt.frames)));
  detect_events(chroma, excerpt, weights, s, scratch.event, b);
  // Zeros follow each series, as the delays read them.
  const std::int64_t stride = round_up((frames + s.longest_lag + kMargin) * 2 * kernels, 16) + kPad;
  float* series = scratch.series.resize(kFrequencies * stride);
  std::fill_n(series, kFrequencies * stride, 0.0f);
  transform_rotations(transform, b, stride, series);
  scratch.intervals.assign(static_cast<std::size_t>(s.lags.count) * values, 0.0f);
  for (int w = 0; w < kFrequencies; ++w)
    add_frequency(s, transform, w, frames, series + w * stride, scratch);

  const float pool = p.pooling == Pooling::mean ? 1.0f / static_cast<float>(frames) : 1.0f;
  std::fill_n(out, std::int64_t{p.windows} * values, 0.0f);
  for (int l = 0; l < p.taps; ++l) {
    const float* of_lag = scratch.intervals.data() + std::int64_t{s.lags.of_tap[l]} * values;
    for (int f = 0; f < p.windows; ++f) {
      const float weight = weights[p.window_offset() + f * p.taps + l] * pool;
      float* to = out + std::int64_t{f} * values;
      // C_-k is the transpose of C_k: the kernels change places and the interval its sign.
      for (int k = 0; k < kernels; ++k)
        for (int m = 0; m < kernels; ++m, to += 12) {
          const bool later = p.lags[l] >= 0;
          const float* from = of_lag + (later ? k * kernels + m : m * kernels + k) * 12;
          for (int d = 0; d < 12; ++d) to[d] += weight * from[later ? d : (12 - d) % 12];
        }
    }
  }
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(interval_song);

void run(const ops::IntervalForward& op, const Context& context) {
  static const RotationTransform transform;
  BigramShape shape(op.params);
  shape.plan.split = false;
  const std::int64_t dims = op.params.dims() / kPitchClasses;
  std::vector<IntervalScratch> scratch(context.threads);
  parallel_for(op.songs.count, context.threads, [&](std::int64_t i, int member) {
    HWY_DYNAMIC_DISPATCH(interval_song)
    (op.songs.chroma, op.songs.excerpts[i], op.weights, shape, transform, scratch[member],
     op.out + i * dims);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
