#pragma once

// What the forward and the backward of audio bigrams share: which products of events give the
// matrices of all lags, and where a song's buffers lie.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/floats.h"
#include "reprise/params.h"

namespace reprise::cpu {

// Zero frames after a song's events, beside the longest lag: as many as a vector has lanes.
constexpr int kMargin = 16;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

// Lags in pairs of frames (Karatsuba & Ofman 1962 over lags, as in fast FIR filters; Mou & Duhamel
// 1991). With e0 and e1 the even and the odd frames, P and O their correlations with themselves and
// R that of e0[s] - e1[s] with e0[s] - e1[s - 1],
//   C_2q = P_q + O_q      C_2q+1 = P_q + O_q+1 - R_q
// and every product runs over half the frames: for the lags 0 .. 2m + 1 three quarters of the
// multiplications. (With sums in place of differences R would be large and rounding with it.)
// Sparse lags share too little; they are correlated one by one.
struct CorrelationPlan {
  explicit CorrelationPlan(const LagSet& set) : lags(set.lag, set.lag + set.count) {
    std::vector<int>& p = even_even;
    std::vector<int>& o = odd_odd;
    for (const int lag : lags) {
      const int q = lag / 2;
      p.push_back(q);
      if (lag % 2 == 0) {
        o.push_back(q);
      } else {
        o.push_back(q + 1);
        differences.push_back(q);
      }
    }
    for (std::vector<int>* of : {&p, &o}) {
      std::sort(of->begin(), of->end());
      of->erase(std::unique(of->begin(), of->end()), of->end());
    }
    split = static_cast<double>(p.size() + o.size() + differences.size()) / 2 < 0.9 * set.count;
  }

  bool split;             // in pairs of frames; else the lags as they are
  std::vector<int> lags;  // ascending
  std::vector<int> even_even, odd_odd, differences;  // delays of P, O, R, ascending
};

// What every song of a call shares.
struct BigramShape {
  explicit BigramShape(const BigramParams& params)
      : p(params),
        lags(distinct_lags(params)),
        plan(lags),
        n(params.events),
        pairs(n * n),
        longest_lag(lags.lag[lags.count - 1]) {}

  BigramParams p;
  LagSet lags;
  CorrelationPlan plan;
  int n;
  int pairs;
  int longest_lag;
};

// A song's part of the reserve, what the backward needs of the forward:
//   events  [event frames, N]  see row(); zeros before (one row) and after
//   c       [lags, N, N]       c[k][j][i] = C_k[i][j], as the products leave it
//   g       [F, N, N]          pooled bigrams before compression
//   mean    [N]                of the events
struct SongBuffers {
  SongBuffers(const BigramShape& s, std::int64_t event_frames, float* reserve)
      : n(s.n), frames(event_frames), split(s.plan.split) {
    const std::int64_t half = (frames + 1) / 2;
    const std::int64_t lead = round_up(n, 16);  // a zero frame before
    if (split) {
      const std::int64_t part = lead + (half + s.longest_lag / 2 + 1 + kMargin) * n;
      event_floats = 2 * round_up(part, 16) + kPad;
      even = reserve + lead;
      odd = even + round_up(part, 16);
      stride = n;
    } else {
      event_floats = round_up(lead + (frames + s.longest_lag + 2 * kMargin) * n, 16) + kPad;
      even = reserve + lead;
      odd = even + n;
      stride = 2 * n;
    }
    events = reserve;
    c = events + event_floats;
    g = c + round_up(std::int64_t{s.lags.count} * s.pairs + kPad, 16);
    mean = g + round_up(s.p.dims() + kPad, 16);
  }

  // Even and odd frames lie apart where the lags are taken in pairs of frames.
  float* row(std::int64_t t) const { return (t % 2 == 0 ? even : odd) + t / 2 * stride; }
  std::int64_t halves(bool of_odd) const { return (frames + (of_odd ? 0 : 1)) / 2; }
  // `count` frames from an even one on; what is not of the events stays the song's.
  SongBuffers run(std::int64_t first, std::int64_t count) const {
    SongBuffers part = *this;
    part.even += first / 2 * stride;
    part.odd += first / 2 * stride;
    part.frames = count;
    return part;
  }
  std::int64_t floats() const { return mean - events + kMaxEvents + kPad; }

  int n;
  std::int64_t frames;
  bool split;
  std::int64_t stride;  // from frame t to t + 2
  std::int64_t event_floats;
  float* events;
  float* even;
  float* odd;
  float* c;
  float* g;
  float* mean;
};

// Memory of a thread that finds events.
struct EventScratch {
  Floats x, filters, responses, pattern, apart;
};

// Floats of reserve for a song.
inline std::int64_t reserve_floats(const BigramShape& s, std::int64_t frames) {
  const int most = static_cast<int>(frames);
  return round_up(SongBuffers(s, s.p.event_frames(most), nullptr).floats(), 16);
}

// The forward lays songs out at the stride of the longest one, as bigram_reserve() counted.
inline std::int64_t reserve_stride(const BigramShape& s, const Excerpt* excerpts,
                                   std::int64_t count) {
  std::int32_t longest = 0;
  for (std::int64_t i = 0; i < count; ++i) longest = std::max(longest, excerpts[i].frames);
  return reserve_floats(s, longest);
}

}  // namespace reprise::cpu
