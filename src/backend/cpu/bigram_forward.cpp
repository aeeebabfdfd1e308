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
#include "backend/cpu/bigram_song-inl.h"
#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"

#ifndef REPRISE_BIGRAM_FORWARD_SCRATCH_
#define REPRISE_BIGRAM_FORWARD_SCRATCH_
namespace reprise::cpu {

// Memory of one thread, reused from song to song.
struct ForwardScratch {
  Floats x, filters, pattern, after, before, products[3], mixed, tap_weights, packed, reserve;
  std::vector<const float*> rows;
};

}  // namespace reprise::cpu
#endif  // REPRISE_BIGRAM_FORWARD_SCRATCH_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// Subtracts from each column of the `frames` rows at e [frames, n] its mean in `pattern`, the means
// repeated kLanes times, or (of_sums) adds the rows up in it. Rows are taken kLanes at a time: they
// are n whole vectors.
template <bool of_sums>
HWY_INLINE void column_pass(float* HWY_RESTRICT e, std::int64_t frames, int n,
                            float* HWY_RESTRICT pattern) {
  const std::int64_t values = frames * n, period = std::int64_t{n} * kLanes;
  std::int64_t first = 0;
  for (; first + period <= values; first += period)
    for (std::int64_t v = 0; v < period; v += kLanes) {
      const Vec x = hn::LoadU(kF32, e + first + v), y = hn::LoadU(kF32, pattern + v);
      if (of_sums) {
        hn::StoreU(hn::Add(y, x), kF32, pattern + v);
      } else {
        hn::StoreU(hn::Sub(x, y), kF32, e + first + v);
      }
    }
  for (std::int64_t v = 0; first + v < values; ++v) {
    if (of_sums) {
      pattern[v] += e[first + v];
    } else {
      e[first + v] -= pattern[v];
    }
  }
}

// The runs of contiguous rows that hold a song's events.
template <class F>
HWY_INLINE void for_event_runs(const SongBuffers& b, F&& f) {
  if (b.split) {
    f(b.even, b.halves(false));
    f(b.odd, b.halves(true));
  } else {
    f(b.even, b.frames);
  }
}

void centre_events(const SongBuffers& b, ForwardScratch& scratch) {
  const int n = b.n;
  float* pattern = scratch.pattern.resize(std::int64_t{n} * kLanes);
  std::fill(pattern, pattern + n * kLanes, 0.0f);
  for_event_runs(
      b, [&](float* e, std::int64_t frames) HWY_ATTR { column_pass<true>(e, frames, n, pattern); });
  for (int i = 0; i < n; ++i) {
    float total = 0;
    for (int row = 0; row < kLanes; ++row) total += pattern[row * n + i];
    b.mean[i] = total / static_cast<float>(b.frames);
  }
  for (int row = 0; row < kLanes; ++row) std::copy(b.mean, b.mean + n, pattern + row * n);
  for_event_runs(b, [&](float* e, std::int64_t frames)
                        HWY_ATTR { column_pass<false>(e, frames, n, pattern); });
}

HWY_INLINE Vec activate(Activation h, Vec response) {
  if (h == Activation::none) return response;
  if (h == Activation::relu) return hn::Max(hn::Zero(kF32), response);
  return hn::IfThenElseZero(hn::Gt(response, hn::Zero(kF32)), hn::Set(kF32, 1.0f));
}

// Events of a song, activated and centred, between zero frames.
void detect_events(const BigramShape& s, const float* weights, const float* x,
                   ForwardScratch& scratch, const SongBuffers& b) {
  const BigramParams& p = s.p;
  const int n = s.n, terms = p.event_length * kPitchClasses;
  const int chunks = (n + kLanes - 1) / kLanes, width = chunks * kLanes;
  float* filters = scratch.filters.resize((terms + 1) * width);  // [terms, width], the biases
  for (int i = 0; i < n; ++i) {
    for (int r = 0; r < terms; ++r) filters[r * width + i] = weights[i * terms + r];
    filters[terms * width + i] = weights[p.bias_offset() + i];
  }
  const float* bias = filters + terms * width;
  Columns columns[kMaxEvents];
  for (int k = 0; k < chunks; ++k)
    columns[k] = {filters + k * kLanes, filters + k * kLanes, kLanes};
  // A frame's receptive field is a run of x, so frames are the rows of the product. Where a tile
  // holds a whole row, what its last vector has beyond it is overwritten by the next row.
  const bool whole_rows = chunks <= kTileVectors || n % kLanes == 0;
  correlate<kPitchClasses>(
      columns, chunks, width, x, 1, terms, static_cast<int>(b.frames),
      [&](int row, int k, Vec sum) HWY_ATTR {
        const Vec event = activate(p.activation, hn::Add(sum, hn::LoadU(kF32, bias + k * kLanes)));
        float* to = b.row(row) + k * kLanes;
        if (whole_rows) {
          hn::StoreU(event, kF32, to);
        } else {
          hn::BlendedStore(event, hn::FirstN(kF32, std::min(kLanes, n - k * kLanes)), kF32, to);
        }
      });
  for_event_runs(b, [&](float* e, std::int64_t frames) HWY_ATTR {
    std::fill(e - round_up(n, 16), e, 0.0f);
    std::fill(e + frames * n, e + (frames + s.longest_lag / (b.split ? 2 : 1) + kMargin) * n, 0.0f);
  });
  std::fill(b.mean, b.mean + n, 0.0f);
  if (p.centre_events) centre_events(b, scratch);
}

// One product of correlate(): the rows of one sequence of frames, `delay` frames on, with those of
// another.
class DelayedProduct {
 public:
  DelayedProduct(const float* a, const float* with, int n, const std::vector<int>& delays,
                 Floats& memory)
      : with_(with), n_(n), delays_(delays) {
    // Delays that follow each other are one run of columns. A vector may join the end of one run
    // and the beginning of the next.
    const int count = static_cast<int>(delays.size());
    for (int d = 0, used = kLanes; d < count;) {
      int run = 1;
      while (d + run < count && delays[d + run] == delays[d] + run) ++run;
      const float* first = a + std::int64_t{delays[d]} * n;
      const int width = run * n;
      const bool join = used < kLanes && columns_.back().lanes == kLanes;
      int column = join ? kLanes - used : 0;  // of the run, that begins a vector
      const int start = static_cast<int>(columns_.size()) * kLanes - column;
      for (int i = 0; i < run; ++i) starts_.push_back(start + i * n);
      if (join) columns_.back() = {columns_.back().first, first - used, used};
      for (; column < width; column += kLanes)
        columns_.push_back({first + column, first + column, kLanes});
      used = width - (column - kLanes);
      d += run;
    }
    stride_ = static_cast<std::int64_t>(columns_.size()) * kLanes;
    c_ = memory.resize(n * stride_);
  }

  // Sums over `frames` frames, by blocks: rounding grows with the root of the length only, and a
  // block stays in the first cache.
  void run(std::int64_t frames) {
    const std::int64_t block = std::max(32, 2048 / n_);
    for (std::int64_t t = 0; t < frames; t += block) run_block(std::min(block, frames - t), t > 0);
  }

  // Row j of the matrix of a delay is at of(delay) + j * stride().
  const float* of(int delay) const {
    return c_ + starts_[std::lower_bound(delays_.begin(), delays_.end(), delay) - delays_.begin()];
  }
  std::int64_t stride() const { return stride_; }

 private:
  void run_block(std::int64_t frames, bool add) {
    correlate<1>(columns_.data(), static_cast<int>(columns_.size()), n_, with_, n_, frames, n_,
                 [&](int row, int k, Vec sum) HWY_ATTR {
                   float* to = c_ + row * stride_ + k * kLanes;
                   hn::StoreU(add ? hn::Add(hn::LoadU(kF32, to), sum) : sum, kF32, to);
                 });
    with_ += frames * n_;
    for (Columns& v : columns_) {
      v.first += frames * n_;
      v.second += frames * n_;
    }
  }

  const float* with_;
  int n_;
  const std::vector<int>& delays_;
  std::vector<Columns> columns_;
  std::vector<int> starts_;  // column of each delay
  std::int64_t stride_;
  float* c_;
};

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

void forward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                  const BigramShape& s, ForwardScratch& scratch, float* reserve, float* out) {
  const BigramParams& p = s.p;
  const SongBuffers b(s, p.event_frames(excerpt.frames), reserve);
  const float* x = excerpt_rows(chroma, excerpt, p.event_length, scratch.x);
  detect_events(s, weights, x, scratch, b);
  correlate_lags(s, scratch, b);

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

const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(forward_song);
HWY_EXPORT(target_name);

const char* instruction_set() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

std::size_t bigram_reserve(const BigramParams& params, std::int64_t count, std::int64_t frames) {
  return static_cast<std::size_t>(count * reserve_floats(BigramShape(params), frames)) *
         sizeof(float);
}

void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                    const float* weights, const BigramParams& params, int threads, float* out,
                    void* reserve) {
  const BigramShape shape(params);
  const std::int64_t stride = reserve_stride(shape, excerpts, count);
  std::vector<ForwardScratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    ForwardScratch& mine = scratch[member];
    float* kept = reserve ? static_cast<float*>(reserve) + i * stride : mine.reserve.resize(stride);
    HWY_DYNAMIC_DISPATCH(forward_song)
    (chroma, excerpts[i], weights, shape, mine, kept, out + i * params.dims());
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
