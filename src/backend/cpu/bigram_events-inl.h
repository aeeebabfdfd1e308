// Salient events of a song, from its chroma or as they were given, into SongBuffers. Included once
// for each instruction set.

#if defined(REPRISE_BIGRAM_EVENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_BIGRAM_EVENTS_INL_H_
#undef REPRISE_BIGRAM_EVENTS_INL_H_
#else
#define REPRISE_BIGRAM_EVENTS_INL_H_
#endif

#include <algorithm>

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/micro_kernels-inl.h"

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

// sums [N] over the events' frames.
inline void sum_events(const SongBuffers& b, EventScratch& scratch, float* sums) {
  const int n = b.n;
  float* pattern = scratch.pattern.resize(std::int64_t{n} * kLanes);
  std::fill(pattern, pattern + n * kLanes, 0.0f);
  for_event_runs(
      b, [&](float* e, std::int64_t frames) HWY_ATTR { column_pass<true>(e, frames, n, pattern); });
  for (int i = 0; i < n; ++i) {
    sums[i] = 0;
    for (int row = 0; row < kLanes; ++row) sums[i] += pattern[row * n + i];
  }
}

// Subtracts the song's mean from the events.
inline void centre_events(const SongBuffers& b, EventScratch& scratch) {
  const int n = b.n;
  float* pattern = scratch.pattern.resize(std::int64_t{n} * kLanes);
  for (int row = 0; row < kLanes; ++row) std::copy(b.mean, b.mean + n, pattern + row * n);
  for_event_runs(b, [&](float* e, std::int64_t frames)
                        HWY_ATTR { column_pass<false>(e, frames, n, pattern); });
}

HWY_INLINE Vec activate(Activation h, Vec response) {
  if (h == Activation::none) return response;
  if (h == Activation::relu) return hn::Max(hn::Zero(kF32), response);
  return hn::IfThenElseZero(hn::Gt(response, hn::Zero(kF32)), hn::Set(kF32, 1.0f));
}

// Events that were found before, [frames, N].
inline void copy_events(const float* events, const SongBuffers& b) {
  for (std::int64_t t = 0; t < b.frames; ++t) std::copy_n(events + t * b.n, b.n, b.row(t));
}

// Events of a song, activated, not centred.
inline void convolve_events(const BigramShape& s, const float* weights, const float* x,
                            EventScratch& scratch, const SongBuffers& b) {
  const BigramParams& p = s.p;
  const int n = s.n, terms = p.filter_values();
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
  // A frame's receptive field is a run of x, so frames are the rows of the product, some at a time.
  // Where rows follow each other, what a last vector has beyond its row the next one overwrites.
  constexpr std::int64_t kRows = 96;
  float* responses = scratch.responses.resize(kRows * width);
  for (std::int64_t t = 0; t < b.frames; t += kRows) {
    const int rows = static_cast<int>(std::min(kRows, b.frames - t));
    correlate(columns, chunks, width, x + t * p.width(), 1, p.width(), terms, rows, responses,
              width, false);
    for (int r = 0; r < rows; ++r) {
      float* to = b.row(t + r);
      for (int i = 0; i < n; i += kLanes) {
        const Vec sum = hn::LoadU(kF32, responses + r * width + i);
        hn::StoreU(activate(p.activation, hn::Add(sum, hn::LoadU(kF32, bias + i))), kF32, to + i);
      }
    }
  }
}

// Events of a song, or of some frames of it, into the rows of b; not centred.
inline void find_events(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                        const BigramShape& s, EventScratch& scratch, const SongBuffers& b) {
  if (s.p.given_events) {
    copy_events(static_cast<const float*>(chroma.data) + excerpt.first * s.n, b);
  } else {
    const float* x = excerpt_rows(chroma, excerpt, s.p.event_length, scratch.x);
    convolve_events(s, weights, x, scratch, b);
  }
}

// The same, and nothing but the rows of b is written: what follows may be another thread's. The
// last rows, which a vector could reach beyond, are found apart.
inline void find_events_within(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                               const BigramShape& s, EventScratch& scratch, const SongBuffers& b) {
  constexpr std::int64_t kReach = 2 * kMargin;  // rows, of one event and even and odd apart
  const std::int64_t most = b.frames > kReach ? (b.frames - kReach) / 2 * 2 : 0;
  const std::int64_t rest = b.frames - most, reach = s.p.event_length - 1;
  const auto part = [&](std::int64_t first, std::int64_t frames) {
    return Excerpt{excerpt.first + first, static_cast<std::int32_t>(frames + reach), excerpt.roll};
  };
  if (most > 0) find_events(chroma, part(0, most), weights, s, scratch, b.run(0, most));
  const std::int64_t floats = SongBuffers(s, rest, nullptr).floats();
  const SongBuffers apart(s, rest, scratch.apart.resize(floats));
  find_events(chroma, part(most, rest), weights, s, scratch, apart);
  for (std::int64_t t = 0; t < rest; ++t) std::copy_n(apart.row(t), s.n, b.row(most + t));
}

// Zero frames around a song's events, and no mean yet.
inline void clear_around_events(const BigramShape& s, const SongBuffers& b) {
  const int n = s.n;
  for_event_runs(b, [&](float* e, std::int64_t frames) HWY_ATTR {
    std::fill(e - round_up(n, 16), e, 0.0f);
    std::fill(e + frames * n, e + (frames + s.longest_lag / (b.split ? 2 : 1) + kMargin) * n, 0.0f);
  });
  std::fill(b.mean, b.mean + n, 0.0f);
}

// Events of a song between zero frames, centred where the model has it so.
inline void detect_events(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                          const BigramShape& s, EventScratch& scratch, const SongBuffers& b) {
  find_events(chroma, excerpt, weights, s, scratch, b);
  clear_around_events(s, b);
  if (!s.p.centre_events) return;
  sum_events(b, scratch, b.mean);
  for (int i = 0; i < s.n; ++i) b.mean[i] /= static_cast<float>(b.frames);
  centre_events(b, scratch);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_BIGRAM_EVENTS_INL_H_
