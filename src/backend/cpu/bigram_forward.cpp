// Audio bigrams, song by song (see params.h for the definition).
//
// A windowed co-occurrence is linear in its window: M_f = sum_l w[f,l] C_lag(l), where
// C_k[i][j] = sum_t E[t+k,i] E[t,j] and C_-k is the transpose of C_k. So only the correlation
// matrices of the distinct non-negative lags are formed, all in one product over time whose left
// rows are the events of all lags side by side (or three products over half the time, see
// CorrelationPlan). The windows of the lags from 0 up are mixed as the products leave them,
// transposed, those of the negative lags likewise, and one transpose a window brings both together.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/bigram_forward.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/bigram_events-inl.h"
#include "backend/cpu/bigram_song-inl.h"
#include "backend/cpu/delayed_product-inl.h"
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/bigram_segments.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

#ifndef REPRISE_BIGRAM_FORWARD_SCRATCH_
#define REPRISE_BIGRAM_FORWARD_SCRATCH_
namespace reprise::cpu {

// Memory of one thread, reused from song to song.
struct ForwardScratch {
  EventScratch events;
  Floats after, before, products[3], mixed, tap_weights, packed, reserve;
  std::vector<const float*> rows;
};

// What is asked of bigram_forward(), and where the songs' buffers lie.
struct ForwardCall {
  ChromaView chroma;
  const Excerpt* excerpts;
  std::int64_t count;
  const float* weights;
  BigramShape shape;
  int threads;
  float* out;
  float* reserve;  // [count, stride], or null
  std::int64_t stride;
  std::int64_t longest;  // event frames that are not cut into segments
};

}  // namespace reprise::cpu
#endif  // REPRISE_BIGRAM_FORWARD_SCRATCH_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// to [N, N] = value(row, column), a vector at a time. Rows are written in order: what a vector has
// beyond a row's end is overwritten by the next.
template <class F>
HWY_INLINE void gather(int n, float* HWY_RESTRICT to, F&& value) {
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < n; i += kLanes) hn::StoreU(value(j, i), kF32, to + j * n + i);
}

// c [lags, N, N], transposed: c[k][j][i] = C_k[i][j].
void correlate_lags(const BigramShape& s, ForwardScratch& scratch, const SongBuffers& b) {
  const int n = s.n;
  const CorrelationPlan& plan = s.plan;
  if (!plan.split) {
    DelayedProduct all(b.even, b.even, n, plan.lags, scratch.products[0]);
    all.run(b.frames);
    for (int k = 0; k < s.lags.count; ++k) {
      const float* from = all.of(plan.lags[k]);
      gather(n, b.c + std::int64_t{k} * s.pairs,
             [&](int j, int i) HWY_ATTR { return hn::LoadU(kF32, from + j * all.stride() + i); });
    }
    return;
  }
  const std::int64_t half = b.halves(false);
  const std::int64_t values = (half + s.longest_lag / 2 + 1) * n;
  float* after = scratch.after.resize(values);    // e0[s] - e1[s]
  float* before = scratch.before.resize(values);  // e0[s] - e1[s - 1]
  for (std::int64_t i = 0; i < values; i += kLanes) {
    const Vec even = hn::LoadU(kF32, b.even + i);
    hn::StoreU(hn::Sub(even, hn::LoadU(kF32, b.odd + i)), kF32, after + i);
    hn::StoreU(hn::Sub(even, hn::LoadU(kF32, b.odd + i - n)), kF32, before + i);
  }
  DelayedProduct p(b.even, b.even, n, plan.even_even, scratch.products[0]);
  DelayedProduct o(b.odd, b.odd, n, plan.odd_odd, scratch.products[1]);
  DelayedProduct r(after, before, n, plan.differences, scratch.products[2]);
  for (DelayedProduct* product : {&p, &o, &r}) product->run(half);
  for (int k = 0; k < s.lags.count; ++k) {
    const int q = plan.lags[k] / 2, odd = plan.lags[k] % 2;
    float* to = b.c + std::int64_t{k} * s.pairs;
    const float* pq = p.of(q);
    const float* oq = o.of(q + odd);
    const auto both = [&](int j, int i) HWY_ATTR {
      return hn::Add(hn::LoadU(kF32, pq + j * p.stride() + i),
                     hn::LoadU(kF32, oq + j * o.stride() + i));
    };
    if (odd == 0) {
      gather(n, to, both);
    } else {
      const float* rq = r.of(q);
      gather(n, to, [&](int j, int i) HWY_ATTR {
        return hn::Sub(both(j, i), hn::LoadU(kF32, rq + j * r.stride() + i));
      });
    }
  }
}

// mixed [F, stride]: sums over the taps of one sign of w[f,l] c_lag(l), times `pool`.
void mix_windows(const BigramShape& s, const float* windows, bool negative, float pool,
                 ForwardScratch& scratch, const SongBuffers& b, std::int64_t stride, float* mixed) {
  const BigramParams& p = s.p;
  scratch.rows.clear();
  float* w = scratch.tap_weights.resize(std::int64_t{p.taps} * p.windows);
  for (int l = 0; l < p.taps; ++l) {
    if ((p.lags[l] < 0) != negative) continue;
    for (int f = 0; f < p.windows; ++f)
      w[scratch.rows.size() * p.windows + f] = windows[f * p.taps + l] * pool;
    scratch.rows.push_back(b.c + std::int64_t{s.lags.of_tap[l]} * s.pairs);
  }
  const int rows = static_cast<int>(scratch.rows.size());
  float* packed = scratch.packed.resize(rows * tile_rows(2));
  convolve(scratch.rows.data(), rows, w, p.windows, s.pairs, mixed, stride, packed);
}

// From the correlations b.c to the fingerprint: windows, compression, length.
void finish_song(const BigramShape& s, const float* weights, ForwardScratch& scratch,
                 const SongBuffers& b, float* out) {
  const BigramParams& p = s.p;
  const int dims = p.dims(), pairs = s.pairs;
  const float pool = p.pooling == Pooling::mean ? 1.0f / static_cast<float>(b.frames) : 1.0f;
  const float* windows = weights + p.window_offset();  // [F, L]
  const std::int64_t stride = round_up(pairs, 2 * kLanes);
  float* from_zero = scratch.mixed.resize(2 * p.windows * stride + 2 * kLanes * s.n);
  float* negative = from_zero + p.windows * stride;
  mix_windows(s, windows, false, pool, scratch, b, stride, from_zero);
  mix_windows(s, windows, true, pool, scratch, b, stride, negative);
  for (int f = 0; f < p.windows; ++f)
    transpose(from_zero + f * stride, s.n, s.n, s.n, b.g + f * pairs, s.n);
  Vec square = hn::Zero(kF32);
  with_compression(p.compression, [&]<Compression kind>() HWY_ATTR {
    for (int f = 0; f < p.windows; ++f)
      for (int i = 0; i < pairs; i += kLanes) {
        const auto inside = hn::FirstN(kF32, std::min(kLanes, pairs - i));
        float* g = b.g + f * pairs + i;
        const Vec sum = hn::Add(hn::LoadU(kF32, g), hn::LoadU(kF32, negative + f * stride + i));
        hn::BlendedStore(sum, inside, kF32, g);
        const Vec y = hn::IfThenElseZero(inside, compress<kind>(sum).value);
        square = hn::MulAdd(y, y, square);
        hn::BlendedStore(y, inside, kF32, out + f * pairs + i);
      }
  });
  if (!p.unit_norm) return;
  const float norm = std::sqrt(hn::GetLane(hn::SumOfLanes(kF32, square)));
  const float scale = norm > kSilentNorm ? 1.0f / norm : 0.0f;
  for (int d = 0; d < dims; ++d) out[d] *= scale;
}

// Long songs: what a song does in one go, step by step over the segments of all of them.
void forward_segments(const ForwardCall& call, const SegmentGroup& group,
                      std::vector<ForwardScratch>& scratch) {
  const BigramShape& s = call.shape;
  const auto segments = std::ssize(group.segments), songs = std::ssize(group.songs);
  std::vector<UnsetFloats> own(call.reserve ? 0 : songs);
  std::vector<SongBuffers> buffers;
  for (std::int64_t i = 0; i < songs; ++i) {
    const std::int64_t index = group.songs[i].index;
    const std::int64_t frames = s.p.event_frames(call.excerpts[index].frames);
    buffers.emplace_back(s, frames,
                         call.reserve ? call.reserve + index * call.stride
                                      : own[i].resize(SongBuffers(s, frames, nullptr).floats()));
    clear_around_events(s, buffers.back());
  }
  const auto run_of = [&](std::int64_t i) {
    const Segment& segment = group.segments[i];
    return buffers[segment.song].run(segment.first, segment.frames);
  };

  std::vector<float> sums(segments * s.n);
  parallel_for(segments, call.threads, [&](std::int64_t i, int member) {
    const Segment& segment = group.segments[i];
    const Excerpt& whole = call.excerpts[group.songs[segment.song].index];
    const SongBuffers b = run_of(i);
    EventScratch& mine = scratch[member].events;
    find_events_within(call.chroma, segment.of(whole, s.p), call.weights, s, mine, b);
    if (s.p.centre_events) sum_events(b, mine, &sums[i * s.n]);
  });
  if (s.p.centre_events) {
    for (std::int64_t i = 0; i < songs; ++i)
      mean_of_segments(group.songs[i], sums, s.n, buffers[i].frames, buffers[i].mean);
    parallel_for(segments, call.threads, [&](std::int64_t i, int member) {
      centre_events(run_of(i), scratch[member].events);
    });
  }

  // A segment's products reach into the events behind it.
  const std::int64_t size = round_up(std::int64_t{s.lags.count} * s.pairs + kPad, 16);
  UnsetFloats memory;
  float* parts = memory.resize(segments * size);
  parallel_for(segments, call.threads, [&](std::int64_t i, int member) {
    SongBuffers b = run_of(i);
    b.c = parts + i * size;
    correlate_lags(s, scratch[member], b);
  });
  parallel_for(songs, call.threads, [&](std::int64_t i, int member) {
    const SegmentGroup::Song& song = group.songs[i];
    const std::int64_t values = std::int64_t{s.lags.count} * s.pairs;
    std::copy_n(sum_of_segments(song, parts, size, values), values, buffers[i].c);
    finish_song(s, call.weights, scratch[member], buffers[i], call.out + song.index * s.p.dims());
  });
}

void forward_songs(const ForwardCall& call) {
  const BigramShape& s = call.shape;
  std::vector<ForwardScratch> scratch(call.threads);
  const std::int64_t uncut = std::min(call.stride, SongBuffers(s, call.longest, nullptr).floats());
  for_each_segment_group(
      s, call.excerpts, call.count, call.longest, call.threads,
      [&](const SegmentGroup& group) { forward_segments(call, group, scratch); });
  parallel_for(call.count, call.threads, [&](std::int64_t i, int member) {
    const std::int64_t frames = s.p.event_frames(call.excerpts[i].frames);
    if (frames > call.longest) return;
    ForwardScratch& mine = scratch[member];
    const SongBuffers b(s, frames,
                        call.reserve ? call.reserve + i * call.stride : mine.reserve.resize(uncut));
    detect_events(call.chroma, call.excerpts[i], call.weights, s, mine.events, b);
    correlate_lags(s, mine, b);
    finish_song(s, call.weights, mine, b, call.out + i * s.p.dims());
  });
}

const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(forward_songs);
HWY_EXPORT(target_name);

const char* instruction_set() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

std::int64_t instruction_sets() {
  return HWY_TARGETS;
}

std::size_t bigram_reserve(const BigramParams& params, std::int64_t count, std::int64_t frames) {
  return static_cast<std::size_t>(count * reserve_floats(BigramShape(params), frames)) *
         sizeof(float);
}

void run(const ops::BigramForward& op, const Context& context) {
  const BigramShape shape(op.params);
  const SongBatch& songs = op.songs;
  HWY_DYNAMIC_DISPATCH(forward_songs)
  ({songs.chroma, songs.excerpts, songs.count, op.weights, shape, context.threads, op.out,
    static_cast<float*>(op.reserve), reserve_stride(shape, songs.excerpts, songs.count),
    context.segment_frames});
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
