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
#include "backend/cpu/bigram_segments.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

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

// From the events to their gradient, each filter of the plan.
struct EventFilters {
  MatrixFilter of[3];
};

// Events along time, with zeros or the song's other events around.
struct AlongTime {
  float* at(int m) const { return first + m * stride; }
  float* first;  // frame 0 of event 0
  std::int64_t stride;
};

// Some frames of a song: their events along time and their gradient, all frames or even and odd.
struct EventGradient {
  UnsetFloats along, gradient;
  AlongTime e[2], de[2];
  std::int64_t frames[2];
  int parts;
};

// Memory of one thread, reused from song to song.
struct BackwardScratch {
  Floats x, y, dg, c_gradient, swapped, weights, packed, differences, rows, filter_gradient;
  std::vector<const float*> pointers;
  EventFilters filters;
  EventGradient events;
};

// What is asked of bigram_backward(), and where the songs' buffers lie.
struct BackwardCall {
  ChromaView chroma;
  const Excerpt* excerpts;
  std::int64_t count;
  const float* weights;
  BigramShape shape;
  ConvolutionPlan plan;
  int threads;
  const float* out_gradient;
  float* reserve;  // [count, stride]
  std::int64_t stride;
  float* rows;             // gradients [count, weights]
  float* events_gradient;  // of given events
  std::int64_t longest;    // event frames that are not cut into segments

  SongBuffers buffers(std::int64_t i) const {
    return {shape, shape.p.event_frames(excerpts[i].frames), reserve + i * stride};
  }
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
                    BackwardScratch& scratch, EventFilters& to) {
  const int n = s.n;
  for (std::size_t i = 0; i < plan.delays.size(); ++i) {
    to.of[i].delay = plan.delays[i];
    to.of[i].taps.assign(plan.delays[i].size() * s.pairs, 0.0f);
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
        add_tap(to.of[0], lag, matrix, s.pairs);
      } else if (lag % 2 == 0) {
        add_tap(to.of[0], lag / 2, matrix, s.pairs);
        add_tap(to.of[2], lag / 2, matrix, s.pairs);
      } else {
        add_tap(to.of[1], (lag - 1) / 2, matrix, s.pairs);
        add_tap(to.of[2], (lag + 1) / 2, matrix, s.pairs, -1);
      }
    }
  }
}

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

// `frames` events from `first` on, of `all` that lie in rows `step` apart, and as many as the song
// has of `margin` before and after them, along time: to [N, stride].
AlongTime turn(const float* rows, std::int64_t step, std::int64_t all, std::int64_t first,
               std::int64_t frames, int n, std::int64_t margin, std::int64_t stride, float* to) {
  const std::int64_t before = std::min(margin, first);
  const std::int64_t count = before + frames + std::min(margin, all - first - frames);
  for (int m = 0; m < n; ++m) {
    float* row = to + m * stride;
    std::fill(row, row + margin - before, 0.0f);
    std::fill(row + margin - before + count, row + stride, 0.0f);
  }
  transpose(rows + (first - before) * step, count, step, n, to + margin - before, stride);
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

// The gradient of `count` events from the even frame `first` on, as they are after centring.
void filter_events(const BigramShape& s, const ConvolutionPlan& plan, const EventFilters& filters,
                   const SongBuffers& b, std::int64_t first, std::int64_t count, EventGradient& to,
                   BackwardScratch& scratch) {
  const int n = s.n, parts = to.parts = plan.split ? 2 : 1;
  const SongBuffers run = b.run(first, count);
  to.frames[0] = plan.split ? run.halves(false) : count;
  to.frames[1] = run.halves(true);
  const std::int64_t all[2] = {plan.split ? b.halves(false) : b.frames, b.halves(true)};
  const std::int64_t margin = round_up(s.longest_lag / parts + 1, 16);
  // One vector more than the frames is computed of U1, and two may be written.
  const std::int64_t stride = 2 * margin + round_up(to.frames[0], kLanes) + 3 * kLanes;
  const std::int64_t block = n * stride;
  float* along = to.along.resize(parts * block);
  float* gradient = to.gradient.resize(parts * block);
  for (int part = 0; part < parts; ++part) {
    const float* rows = plan.split && part == 1 ? b.odd : b.even;
    const std::int64_t step = plan.split ? b.stride : b.stride / 2;
    to.e[part] = turn(rows, step, all[part], first / parts, to.frames[part], n, margin, stride,
                      along + part * block);
    to.de[part] = {gradient + part * block, stride};
  }
  filter_along_time(filters.of[0], n, to.e[0], to.frames[0], to.de[0], scratch);
  if (!plan.split) return;
  float* both = scratch.differences.resize(2 * block);
  for (std::int64_t i = 0; i < block; i += kLanes)
    hn::StoreU(hn::Sub(hn::LoadU(kF32, along + i), hn::LoadU(kF32, along + block + i)), kF32,
               both + i);
  filter_along_time(filters.of[1], n, to.e[1], to.frames[0] + 1, to.de[1], scratch);
  const AlongTime w{both + block, stride};
  filter_along_time(filters.of[2], n, {both + margin, stride}, to.frames[0], w, scratch);
  for (int m = 0; m < n; ++m)
    for (std::int64_t t = 0; t < to.frames[0]; t += kLanes) {
      float* even = to.de[0].at(m) + t;
      float* odd = to.de[1].at(m) + t;
      const Vec u0 = hn::LoadU(kF32, even), u1 = hn::LoadU(kF32, odd);
      const Vec next = hn::LoadU(kF32, odd + 1);
      hn::StoreU(hn::Add(u0, u1), kF32, even);
      hn::StoreU(hn::Sub(hn::Add(u0, next), hn::LoadU(kF32, w.at(m) + t)), kF32, odd);
    }
}

// sums [N] of the events' gradient over its frames.
void sum_gradient(const EventGradient& events, int n, float* sums) {
  for (int m = 0; m < n; ++m) {
    sums[m] = 0;
    for (int part = 0; part < events.parts; ++part)
      sums[m] += total(events.de[part].at(m), events.frames[part]);
  }
}

// The gradient of the filters' responses: rows [frames, N] into scratch.rows, and that of the
// biases. `mean` [N] is that of the events' gradient over the song where they are centred.
void gate_events(const BigramShape& s, const SongBuffers& b, const EventGradient& events,
                 const float* mean, float* bias_gradient, BackwardScratch& scratch) {
  const int n = s.n, parts = events.parts;
  for (int m = 0; m < n; ++m) {
    // An event that is zero before centring passes no gradient on.
    const float floor =
        s.p.activation == Activation::none ? -std::numeric_limits<float>::infinity() : -b.mean[m];
    bias_gradient[m] = 0;
    for (int part = 0; part < parts; ++part)
      bias_gradient[m] +=
          gate(events.de[part].at(m), events.e[part].at(m), events.frames[part], floor, mean[m]);
  }
  const std::int64_t frames = events.frames[0] + (parts == 2 ? events.frames[1] : 0);
  float* rows = scratch.rows.resize((frames + 2 * kLanes) * n);
  for (int part = 0; part < parts; ++part)
    transpose_wide(events.de[part].first, n, events.de[part].stride, events.frames[part],
                   rows + part * n, parts * n);
}

// The gradient of the filters and biases from frames of an excerpt, or that of given events.
void backward_frames(const BackwardCall& call, const Excerpt& excerpt, const SongBuffers& b,
                     const EventGradient& events, const float* mean, float* gradient,
                     BackwardScratch& scratch) {
  const BigramShape& s = call.shape;
  const BigramParams& p = s.p;
  const std::int64_t frames = p.event_frames(excerpt.frames);
  if (p.given_events) {
    float unused[kMaxEvents];  // of biases
    gate_events(s, b, events, mean, unused, scratch);
    std::copy_n(scratch.rows.data(), frames * s.n, call.events_gradient + excerpt.first * s.n);
    return;
  }
  gate_events(s, b, events, mean, gradient + p.bias_offset(), scratch);
  const float* x = excerpt_rows(call.chroma, excerpt, p.event_length, scratch.x);
  const int terms = p.filter_values();
  Columns columns[kMaxEventLength * kMaxBands * kPitchClasses];
  int chunks = 0;
  for (int column = 0; column < terms; column += kLanes)
    columns[chunks++] = {x + column, x + column, kLanes};
  const std::int64_t width = chunks * kLanes;
  float* filters = scratch.filter_gradient.resize(s.n * width);
  correlate(columns, chunks, p.width(), scratch.rows.data(), s.n, 1, frames, s.n, filters, width,
            false);
  for (int i = 0; i < s.n; ++i) std::copy_n(filters + i * width, terms, gradient + i * terms);
}

// From the gradient of a song's fingerprint to that of its windows, and the filters to that of its
// events.
void backward_fingerprint(const BackwardCall& call, std::int64_t i, const SongBuffers& b,
                          EventFilters& filters, BackwardScratch& scratch) {
  const BigramShape& s = call.shape;
  const BigramParams& p = s.p;
  const std::int64_t stride = round_up(s.pairs, 2 * kLanes);
  backward_pooled(s, b, call.out_gradient + i * p.dims(), scratch);
  backward_windows(s, b, call.weights + p.window_offset(), stride,
                   call.rows + i * p.weights() + p.window_offset(), scratch);
  gather_filters(s, call.plan, stride, scratch, filters);
}

// Long songs: what a song does in one go, step by step over the segments of all of them.
void backward_segments(const BackwardCall& call, const SegmentGroup& group,
                       std::vector<BackwardScratch>& scratch) {
  const BigramShape& s = call.shape;
  const auto segments = std::ssize(group.segments), songs = std::ssize(group.songs);
  std::vector<EventFilters> filters(songs);
  parallel_for(songs, call.threads, [&](std::int64_t i, int member) {
    const std::int64_t index = group.songs[i].index;
    backward_fingerprint(call, index, call.buffers(index), filters[i], scratch[member]);
  });

  std::vector<EventGradient> events(segments);
  std::vector<float> sums(segments * s.n), means(songs * s.n);
  parallel_for(segments, call.threads, [&](std::int64_t i, int member) {
    const Segment& of = group.segments[i];
    filter_events(s, call.plan, filters[of.song], call.buffers(group.songs[of.song].index),
                  of.first, of.frames, events[i], scratch[member]);
    if (s.p.centre_events) sum_gradient(events[i], s.n, &sums[i * s.n]);
  });
  if (s.p.centre_events)
    for (std::int64_t i = 0; i < songs; ++i)
      mean_of_segments(group.songs[i], sums, s.n, call.buffers(group.songs[i].index).frames,
                       &means[i * s.n]);

  const int size = s.p.window_offset();  // filters and biases
  const std::int64_t stride = size + kPad;
  std::vector<float> gradients(segments * stride);
  parallel_for(segments, call.threads, [&](std::int64_t i, int member) {
    const Segment& of = group.segments[i];
    const std::int64_t index = group.songs[of.song].index;
    backward_frames(call, of.of(call.excerpts[index], s.p), call.buffers(index), events[i],
                    &means[of.song * s.n], &gradients[i * stride], scratch[member]);
  });
  for (const SegmentGroup::Song& song : group.songs)
    std::copy_n(sum_of_segments(song, gradients.data(), stride, size), size,
                call.rows + song.index * s.p.weights());
}

void backward_song(const BackwardCall& call, std::int64_t i, BackwardScratch& scratch) {
  const BigramShape& s = call.shape;
  const SongBuffers b = call.buffers(i);
  backward_fingerprint(call, i, b, scratch.filters, scratch);
  filter_events(s, call.plan, scratch.filters, b, 0, b.frames, scratch.events, scratch);
  float mean[kMaxEvents] = {};
  if (s.p.centre_events) {
    sum_gradient(scratch.events, s.n, mean);
    for (int m = 0; m < s.n; ++m) mean[m] /= static_cast<float>(b.frames);
  }
  backward_frames(call, call.excerpts[i], b, scratch.events, mean, call.rows + i * s.p.weights(),
                  scratch);
}

void backward_songs(const BackwardCall& call) {
  std::vector<BackwardScratch> scratch(call.threads);
  for_each_segment_group(
      call.shape, call.excerpts, call.count, call.longest, call.threads,
      [&](const SegmentGroup& group) { backward_segments(call, group, scratch); });
  parallel_for(call.count, call.threads, [&](std::int64_t i, int member) {
    if (call.shape.p.event_frames(call.excerpts[i].frames) <= call.longest)
      backward_song(call, i, scratch[member]);
  });
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(backward_songs);

void run(const ops::BigramBackward& op, const Context& context) {
  const BigramShape shape(op.params);
  const SongBatch& songs = op.songs;
  const int size = op.params.weights();
  // A row a song, summed in song order: the same bits for any number of threads.
  std::vector<float> rows(static_cast<std::size_t>(songs.count) * size);
  HWY_DYNAMIC_DISPATCH(backward_songs)
  ({songs.chroma, songs.excerpts, songs.count, op.weights, shape, ConvolutionPlan(shape),
    context.threads, op.out_gradient, const_cast<float*>(static_cast<const float*>(op.reserve)),
    reserve_stride(shape, songs.excerpts, songs.count), rows.data(), op.events_gradient,
    context.segment_frames});
  std::fill(op.gradient, op.gradient + size, 0.0f);
  for (std::int64_t i = 0; i < songs.count; ++i)
    for (int w = 0; w < size; ++w) op.gradient[w] += rows[i * size + w];
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
