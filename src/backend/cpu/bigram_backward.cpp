// The chain rule through audio bigrams, song by song, from what the forward kept (SongBuffers).
//
// With D_k = d loss / d C_k, the gradient of the events has the form of the forward:
// dE[t] = sum_k D_k^T E[t+k] + D_k E[t-k] (indices as C_k is kept), one convolution along time over
// both signs of every lag, or three over half the frames, see ConvolutionPlan. Events and their
// gradients lie along time here, [N, frames], so that vectors are full for any N.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/bigram_backward.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/bigram_song-inl.h"
#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"

#ifndef REPRISE_BIGRAM_BACKWARD_SHAPE_
#define REPRISE_BIGRAM_BACKWARD_SHAPE_
namespace reprise::cpu {

// A filter along time whose taps are matrices: out[t] = sum_d A_d in[t + delay_d].
struct MatrixFilter {
  std::vector<int> delay;
  std::vector<float> taps;  // [delays, N, N]: from, to
};

// The convolution in pairs of frames, as the forward's CorrelationPlan: with A_k the tap of the
// signed lag k, U0 = sum_q A_2q e0[s + q], U1 = sum_q A_2q+1 e1[s + q], and
// W = sum_q (A_2q - A_2q-1) (e0 - e1)[s + q],
//   even frames  U0[s] + U1[s]      odd frames  U0[s] + U1[s + 1] - W[s]
struct ConvolutionPlan {
  explicit ConvolutionPlan(const BigramShape& s) {
    std::set<int> all, even, odd, both;
    for (int k = 0; k < s.lags.count; ++k)
      for (const int lag : {s.lags.lag[k], -s.lags.lag[k]}) {
        all.insert(lag);
        const bool is_odd = lag % 2 != 0;
        (is_odd ? odd : even).insert(is_odd ? (lag - 1) / 2 : lag / 2);
        both.insert(is_odd ? (lag + 1) / 2 : lag / 2);
      }
    const auto products = static_cast<double>(even.size() + odd.size() + both.size()) / 2;
    split = s.plan.split || products < 0.92 * static_cast<double>(all.size());
    const auto list = [](const std::set<int>& of) {
      return std::vector<int>(of.begin(), of.end());
    };
    if (!split) {
      delays = {list(all)};
    } else {
      delays = {list(even), list(odd), list(both)};
    }
  }

  bool split;
  std::vector<std::vector<int>> delays;  // all signed lags; or of U0, U1, W
};

// Memory of one thread, reused from song to song.
struct BackwardScratch {
  Floats x, slope, y, dg, c_gradient, swapped, weights, packed, along, gradient, rows;
  std::vector<const float*> pointers;
  MatrixFilter filter[3];
};

}  // namespace reprise::cpu
#endif  // REPRISE_BIGRAM_BACKWARD_SHAPE_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// The first `count` values, and zeros. Not MaskedLoad: where the instruction set has no masks, that
// reads the whole vector, aligned.
HWY_INLINE Vec load_first(std::int64_t count, const float* at) {
  if (count >= kLanes) return hn::LoadU(kF32, at);
  float lanes[kLanes] = {};
  std::copy_n(at, count, lanes);
  return hn::LoadU(kF32, lanes);
}

// Through the norm and the compression: dg [F, N, N], and behind it each window's transposed.
void backward_pooled(const BigramShape& s, const SongBuffers& b, const float* out_gradient,
                     BackwardScratch& scratch) {
  const BigramParams& p = s.p;
  const int dims = p.dims();
  float* dg = scratch.dg.resize(2 * std::int64_t{dims} + kLanes * (s.n + 4));
  float* y = scratch.y.resize(dims);
  Vec squares = hn::Zero(kF32), products = hn::Zero(kF32);
  with_compression(p.compression, [&]<Compression kind>() HWY_ATTR {
    for (int i = 0; i < dims; i += kLanes) {
      const auto inside = hn::FirstN(kF32, std::min(kLanes, dims - i));
      const Compressed c = compress<kind>(hn::LoadU(kF32, b.g + i));
      const Vec value = hn::IfThenElseZero(inside, c.value);
      squares = hn::MulAdd(value, value, squares);
      products = hn::MulAdd(value, load_first(dims - i, out_gradient + i), products);
      hn::StoreU(value, kF32, y + i);
      hn::StoreU(c.slope, kF32, dg + i);
    }
  });
  const float pool = p.pooling == Pooling::mean ? 1.0f / static_cast<float>(b.frames) : 1.0f;
  float along = 0, scale = pool;
  if (p.unit_norm) {
    const float square = hn::GetLane(hn::SumOfLanes(kF32, squares));
    const bool silent = std::sqrt(square) <= kSilentNorm;
    along = silent ? 0 : hn::GetLane(hn::SumOfLanes(kF32, products)) / square;
    scale = silent ? 0 : pool / std::sqrt(square);
  }
  for (int d = 0; d < dims; ++d) dg[d] *= (out_gradient[d] - along * y[d]) * scale;
  for (int f = 0; f < p.windows; ++f)
    transpose(dg + f * s.pairs, s.n, s.n, s.n, dg + dims + f * s.pairs, s.n);
}

// The gradient of the windows [F, L], and that of the kept c, scratch.c_gradient [lags, stride].
void backward_windows(const BigramShape& s, const SongBuffers& b, const float* windows,
                      std::int64_t stride, float* gradient, BackwardScratch& scratch) {
  const BigramParams& p = s.p;
  float* w = scratch.weights.resize(2 * std::int64_t{p.windows} * s.lags.count);
  std::fill(w, w + 2 * std::int64_t{p.windows} * s.lags.count, 0.0f);
  scratch.pointers.clear();
  for (const bool negative : {false, true}) {
    // C_k is kept transposed, and the matrix of a negative lag is C_k's transpose.
    const float* dg = scratch.dg.data() + (negative ? 0 : p.dims());
    std::vector<const float*> matrices;
    std::vector<int> taps;
    for (int l = 0; l < p.taps; ++l) {
      if ((p.lags[l] < 0) != negative) continue;
      matrices.push_back(b.c + std::int64_t{s.lags.of_tap[l]} * s.pairs);
      taps.push_back(l);
    }
    const int count = static_cast<int>(taps.size());
    std::vector<float> products(static_cast<std::size_t>(p.windows) * taps.size());
    if (count > 0)
      inner_products(dg, p.windows, s.pairs, matrices.data(), count, s.pairs, products.data(),
                     count);
    for (int f = 0; f < p.windows; ++f) {
      float* row = w + std::int64_t(scratch.pointers.size()) * s.lags.count;
      for (int i = 0; i < count; ++i) {
        gradient[f * p.taps + taps[i]] = products[f * count + i];
        row[s.lags.of_tap[taps[i]]] = windows[f * p.taps + taps[i]];
      }
      scratch.pointers.push_back(dg + f * s.pairs);
    }
  }
  float* c_gradient = scratch.c_gradient.resize(s.lags.count * stride + 2 * kLanes * s.n);
  float* packed = scratch.packed.resize(2 * std::int64_t{p.windows} * tile_rows(2));
  convolve(scratch.pointers.data(), 2 * p.windows, w, s.lags.count, s.pairs, c_gradient, stride,
           packed);
}

// Adds the matrix of the signed lag `lag` to the filter's tap at `delay`.
HWY_INLINE void add_tap(MatrixFilter& filter, int delay, const float* HWY_RESTRICT matrix,
                        int pairs, float sign = 1) {
  const auto at = std::lower_bound(filter.delay.begin(), filter.delay.end(), delay);
  float* HWY_RESTRICT to = &filter.taps[(at - filter.delay.begin()) * pairs];
  for (int i = 0; i < pairs; ++i) to[i] += sign * matrix[i];
}

// The filters of the plan, from scratch.c_gradient.
void gather_filters(const BigramShape& s, const ConvolutionPlan& plan, std::int64_t stride,
                    BackwardScratch& scratch) {
  const int n = s.n;
  for (std::size_t i = 0; i < plan.delays.size(); ++i) {
    scratch.filter[i].delay = plan.delays[i];
    scratch.filter[i].taps.assign(plan.delays[i].size() * s.pairs, 0.0f);
  }
  float* swapped = scratch.swapped.resize(s.pairs);
  for (int k = 0; k < s.lags.count; ++k) {
    // d[j * n + i] = d loss / d C_k[i][j]: from E[t - k, j] to E[t, i], swapped the other way
    // round.
    const float* d = scratch.c_gradient.data() + k * stride;
    transpose(d, n, n, n, swapped, n);
    for (const bool later : {true, false}) {
      const int lag = later ? s.lags.lag[k] : -s.lags.lag[k];
      const float* matrix = later ? swapped : d;
      if (!plan.split) {
        add_tap(scratch.filter[0], lag, matrix, s.pairs);
      } else if (lag % 2 == 0) {
        add_tap(scratch.filter[0], lag / 2, matrix, s.pairs);
        add_tap(scratch.filter[2], lag / 2, matrix, s.pairs);
      } else {
        add_tap(scratch.filter[1], (lag - 1) / 2, matrix, s.pairs);
        add_tap(scratch.filter[2], (lag + 1) / 2, matrix, s.pairs, -1);
      }
    }
  }
}

// Events along time, with zeros around.
struct AlongTime {
  float* at(int m) const { return first + m * stride; }
  float* first;  // frame 0 of event 0
  std::int64_t stride;
};

void filter_along_time(const MatrixFilter& filter, int n, const AlongTime& in, std::int64_t frames,
                       const AlongTime& out, BackwardScratch& scratch) {
  scratch.pointers.clear();
  for (const int delay : filter.delay)
    for (int m = 0; m < n; ++m) scratch.pointers.push_back(in.at(m) + delay);
  const int rows = static_cast<int>(scratch.pointers.size());
  float* packed = scratch.packed.resize(std::int64_t{rows} * tile_rows(2));
  convolve(scratch.pointers.data(), rows, filter.taps.data(), n, frames, out.first, out.stride,
           packed);
}

// Events to [N, stride], from rows `step` apart.
AlongTime turn(const float* rows, std::int64_t step, std::int64_t frames, int n,
               std::int64_t margin, std::int64_t stride, float* to) {
  for (int m = 0; m < n; ++m) {
    float* row = to + m * stride;
    std::fill(row, row + margin, 0.0f);
    std::fill(row + margin + frames, row + stride, 0.0f);
  }
  transpose(rows, frames, step, n, to + margin, stride);
  return {to + margin, stride};
}

// de = gradient of the events before centring and rectifier, in place; returns its sum.
HWY_INLINE float gate(float* HWY_RESTRICT de, const float* HWY_RESTRICT e, std::int64_t frames,
                      float floor, float mean) {
  Vec total = hn::Zero(kF32);
  for (std::int64_t t = 0; t < frames; t += kLanes) {
    const auto inside = hn::FirstN(kF32, std::min<std::int64_t>(kLanes, frames - t));
    const auto on = hn::And(inside, hn::Gt(hn::LoadU(kF32, e + t), hn::Set(kF32, floor)));
    const Vec d = hn::IfThenElseZero(on, hn::Sub(hn::LoadU(kF32, de + t), hn::Set(kF32, mean)));
    total = hn::Add(total, d);
    hn::StoreU(d, kF32, de + t);
  }
  return hn::GetLane(hn::SumOfLanes(kF32, total));
}

HWY_INLINE float total(const float* HWY_RESTRICT a, std::int64_t n) {
  Vec sum = hn::Zero(kF32);
  for (std::int64_t i = 0; i < n; i += kLanes) sum = hn::Add(sum, load_first(n - i, a + i));
  return hn::GetLane(hn::SumOfLanes(kF32, sum));
}

// The gradient of the filters' responses: rows [frames, N] into scratch.rows, and that of
// the biases.
void backward_events(const BigramShape& s, const ConvolutionPlan& plan, const SongBuffers& b,
                     float* bias_gradient, BackwardScratch& scratch) {
  const int n = s.n, parts = plan.split ? 2 : 1;
  const std::int64_t frames[2] = {plan.split ? b.halves(false) : b.frames, b.halves(true)};
  const std::int64_t margin = round_up(s.longest_lag / parts + 1, 16);
  // One vector more than the frames is computed of U1, and two may be written.
  const std::int64_t stride = 2 * margin + round_up(frames[0], kLanes) + 3 * kLanes;
  const std::int64_t block = n * stride;
  float* along = scratch.along.resize(3 * block);
  float* gradient = scratch.gradient.resize(3 * block);
  AlongTime e[2], de[2];
  for (int part = 0; part < parts; ++part) {
    const float* rows = plan.split && part == 1 ? b.odd : b.even;
    const std::int64_t step = plan.split ? b.stride : b.stride / 2;
    e[part] = turn(rows, step, frames[part], n, margin, stride, along + part * block);
    de[part] = {gradient + part * block, stride};
  }
  filter_along_time(scratch.filter[0], n, e[0], frames[0], de[0], scratch);
  if (plan.split) {
    const AlongTime both{along + 2 * block + margin, stride};
    for (std::int64_t i = 0; i < block; i += kLanes)
      hn::StoreU(hn::Sub(hn::LoadU(kF32, along + i), hn::LoadU(kF32, along + block + i)), kF32,
                 along + 2 * block + i);
    filter_along_time(scratch.filter[1], n, e[1], frames[0] + 1, de[1], scratch);
    const AlongTime w{gradient + 2 * block, stride};
    filter_along_time(scratch.filter[2], n, both, frames[0], w, scratch);
    for (int m = 0; m < n; ++m)
      for (std::int64_t t = 0; t < frames[0]; t += kLanes) {
        const Vec u0 = hn::LoadU(kF32, de[0].at(m) + t), u1 = hn::LoadU(kF32, de[1].at(m) + t);
        const Vec next = hn::LoadU(kF32, de[1].at(m) + t + 1);
        hn::StoreU(hn::Add(u0, u1), kF32, de[0].at(m) + t);
        hn::StoreU(hn::Sub(hn::Add(u0, next), hn::LoadU(kF32, w.at(m) + t)), kF32, de[1].at(m) + t);
      }
  }
  float* rows = scratch.rows.resize((b.frames + 2 * kLanes) * n);
  for (int m = 0; m < n; ++m) {
    float mean = 0;
    if (s.p.centre_events) {
      for (int part = 0; part < parts; ++part) mean += total(de[part].at(m), frames[part]);
      mean /= static_cast<float>(b.frames);
    }
    // An event that is zero before centring passes no gradient on.
    const float floor =
        s.p.activation == Activation::none ? -std::numeric_limits<float>::infinity() : -b.mean[m];
    bias_gradient[m] = 0;
    for (int part = 0; part < parts; ++part)
      bias_gradient[m] += gate(de[part].at(m), e[part].at(m), frames[part], floor, mean);
  }
  for (int part = 0; part < parts; ++part)
    transpose_wide(de[part].first, n, stride, frames[part], rows + part * n, parts * n);
}

// Writes the gradient [weights] of one song, and of its events where they were given.
void backward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                   const BigramShape& s, const ConvolutionPlan& plan, BackwardScratch& scratch,
                   float* reserve, const float* out_gradient, float* gradient,
                   float* events_gradient) {
  const BigramParams& p = s.p;
  const SongBuffers b(s, p.event_frames(excerpt.frames), reserve);
  const std::int64_t stride = round_up(s.pairs, 2 * kLanes);
  backward_pooled(s, b, out_gradient, scratch);
  backward_windows(s, b, weights + p.window_offset(), stride, gradient + p.window_offset(),
                   scratch);
  gather_filters(s, plan, stride, scratch);
  if (p.given_events) {
    float unused[kMaxEvents];  // of biases
    backward_events(s, plan, b, unused, scratch);
    std::copy_n(scratch.rows.data(), b.frames * s.n, events_gradient + excerpt.first * s.n);
    return;
  }
  backward_events(s, plan, b, gradient + p.bias_offset(), scratch);

  const float* x = excerpt_rows(chroma, excerpt, p.event_length, scratch.x);
  const int terms = p.event_length * kPitchClasses;
  Columns columns[kMaxEventLength * kPitchClasses];
  int chunks = 0;
  for (int column = 0; column < terms; column += kLanes)
    columns[chunks++] = {x + column, x + column, kLanes};
  correlate<1>(columns, chunks, kPitchClasses, scratch.rows.data(), s.n, b.frames, s.n,
               [&](int row, int k, Vec sum) HWY_ATTR {
                 const auto inside = hn::FirstN(kF32, std::min(kLanes, terms - k * kLanes));
                 hn::BlendedStore(sum, inside, kF32, gradient + row * terms + k * kLanes);
               });
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(backward_song);

void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                     const float* weights, const BigramParams& params, const float* out_gradient,
                     const void* reserve, int threads, float* gradient, float* events_gradient) {
  const BigramShape shape(params);
  const ConvolutionPlan plan(shape);
  const std::int64_t stride = reserve_stride(shape, excerpts, count);
  const int size = params.weights();
  // A row a song, summed in song order: the same bits for any number of threads.
  std::vector<float> rows(static_cast<std::size_t>(count) * size);
  std::vector<BackwardScratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    float* kept = const_cast<float*>(static_cast<const float*>(reserve)) + i * stride;
    HWY_DYNAMIC_DISPATCH(backward_song)
    (chroma, excerpts[i], weights, shape, plan, scratch[member], kept,
     out_gradient + i * params.dims(), &rows[i * size], events_gradient);
  });
  std::fill(gradient, gradient + size, 0.0f);
  for (std::int64_t i = 0; i < count; ++i)
    for (int w = 0; w < size; ++w) gradient[w] += rows[i * size + w];
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
