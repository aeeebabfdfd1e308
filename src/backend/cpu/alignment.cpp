// Row-z local alignment of many pairs (see params.h for the definition).
//
// A song is prepared once: frames of 8 bits, blocks of them column by column, with the mean and
// covariance of its states. The code for one band is compiled by itself, its 12 columns constant.
// The product of two states is the sum of two neighbours on a diagonal of the products of frames,
// so that states cost one addition a cell. Along a row (one query frame against all candidate
// frames) everything is 16-bit arithmetic on neighbouring lanes, as H reads earlier rows only:
//   dot[j]  = sum_c x[c] y[c][j]                      in units of 1/88^2
//   product = dot[j] + dot1[j-1]                      Cauchy-Schwarz keeps it in 15 bits
//   s       = min(cap, (product gain / 2^15 - subtract) >> shift)                in sixteenths
//   H[j]    = max(0, s + max(H1[j-1], H2[j-1], H1[j-2]))                         saturating
// The gain 16 / (88^2 sigma) differs from row to row: it is normalised to 15 bits, and `shift`
// takes away what that scaled too far. Three rows of H are kept, however long the songs are.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/alignment.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

#ifndef REPRISE_ALIGNMENT_SONG_
#define REPRISE_ALIGNMENT_SONG_
namespace reprise::cpu {

constexpr std::int64_t kMaxLanes = 32;       // 16-bit lanes of the widest vector
constexpr std::int64_t kBefore = kMaxLanes;  // zeros to the left of a row of H
constexpr int kMaxColumns = kMaxBands * kPitchClasses;

struct AlignmentSong {
  int width = kPitchClasses;  // columns: values of a frame
  std::int64_t frames = 0;
  std::int64_t stride = 0;  // frames rounded up to whole blocks
  // [stride / kMaxLanes, width, kMaxLanes]: blocks of frames, so that what a vector of a row is
  // made of lies together; zeros past the end.
  std::vector<std::int16_t> blocks;

  // Of the states of quantised frames, [states] and [states, states] with 2 width states.
  std::vector<float> mean;
  // Lower triangle, what is off the diagonal doubled: all that a quadratic form needs.
  std::vector<float> covariance;
};

// Where a value lies in blocks of `width` columns.
constexpr std::int64_t position(int width, std::int64_t frame, int column) {
  return (frame / kMaxLanes * width + column) * kMaxLanes + frame % kMaxLanes;
}

// Memory of one thread, reused from pair to pair.
struct AlignmentScratch {
  std::vector<float> frames;          // [width, 1 + query stride], a zero before the first
  std::vector<float> mean, variance;  // [query stride] of the products of a row
  std::vector<std::int16_t> rows;     // [5, kBefore + stride]: three of H, two of dot
};

// How products of a row become sixteenths of a standard deviation.
struct RowScale {
  std::int16_t gain;
  std::int16_t subtract;
  int shift;
};

}  // namespace reprise::cpu
#endif  // REPRISE_ALIGNMENT_SONG_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using I16 = hn::CappedTag<std::int16_t, kMaxLanes>;
using F32 = hn::CappedTag<float, kMaxLanes / 2>;
constexpr I16 kI16{};
constexpr F32 kF32{};

// Calls f.template operator()<Width>(): 12, or 0 for a width that is known at run time only.
template <class F>
HWY_INLINE auto with_width(int width, F&& f) {
  return width == kPitchClasses ? f.template operator()<kPitchClasses>()
                                : f.template operator()<0>();
}

// What of the query faces column c of the candidate, from frame t to the end of its block.
HWY_INLINE const std::int16_t* facing(const AlignmentSong& query, int width, int roll,
                                      std::int64_t t, int c) {
  return &query.blocks[position(width, t, rolled_from(c, roll))];
}

// Mean and variance over the candidate's states of the products with each state of the query.
template <int Width>
void product_statistics(const AlignmentSong& query, int roll, const AlignmentSong& candidate,
                        AlignmentScratch& scratch) {
  constexpr int kMostStates = kStateFrames * (Width > 0 ? Width : kMaxColumns);
  const int width = Width > 0 ? Width : query.width, states = kStateFrames * width;
  const hn::Rebind<std::int16_t, F32> half;
  const hn::Rebind<std::int32_t, F32> wide;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(kF32));
  const std::int64_t row = 1 + query.stride;
  scratch.frames.assign(static_cast<std::size_t>(width * row), 0);
  for (int c = 0; c < width; ++c)
    for (std::int64_t t = 0; t < query.stride; t += lanes)
      hn::StoreU(hn::ConvertTo(
                     kF32, hn::PromoteTo(wide, hn::LoadU(half, facing(query, width, roll, t, c)))),
                 kF32, &scratch.frames[c * row + 1 + t]);
  scratch.mean.resize(query.stride);
  scratch.variance.resize(query.stride);
  const float* HWY_RESTRICT means = candidate.mean.data();
  for (std::int64_t t = 0; t < query.stride; t += lanes) {
    hn::Vec<F32> x[kMostStates];
    for (int c = 0; c < width; ++c) {
      x[c] = hn::LoadU(kF32, &scratch.frames[c * row + 1 + t]);
      x[width + c] = hn::LoadU(kF32, &scratch.frames[c * row + t]);
    }
    auto mean = hn::Zero(kF32), variance = hn::Zero(kF32);
    const float* HWY_RESTRICT covariance = candidate.covariance.data();
    for (int c = 0; c < states; ++c, covariance += states) {
      auto sum = hn::Zero(kF32);
      for (int d = 0; d <= c; ++d) sum = hn::MulAdd(hn::Set(kF32, covariance[d]), x[d], sum);
      variance = hn::MulAdd(sum, x[c], variance);
      mean = hn::MulAdd(hn::Set(kF32, means[c]), x[c], mean);
    }
    hn::StoreU(mean, kF32, &scratch.mean[t]);
    hn::StoreU(variance, kF32, &scratch.variance[t]);
  }
}

HWY_INLINE RowScale row_scale(float mean, float variance, const AlignmentParams& params) {
  constexpr float kProductScale = 1.0f * kAlignmentScale * kAlignmentScale;
  constexpr float kFloor = kAlignmentVariance * kProductScale * kProductScale;
  const float factor = kAlignmentUnits / std::sqrt(std::max(variance, 0.0f) + kFloor);
  // factor = m 2^exponent with 1 <= m < 2, and sigma >= .01 keeps exponent below -2.
  const int exponent = static_cast<int>(std::bit_cast<std::uint32_t>(factor) >> 23) - 127;
  const int shift = -1 - exponent;
  const float scaled = std::bit_cast<float>((shift + 127) << 23);  // 2^shift
  const float gain = factor * scaled * 32768.0f + 0.5f;
  // Half a unit more makes the shift round to nearest.
  const float subtract = scaled * (factor * mean + kAlignmentUnits * params.offset) - 0.5f * scaled;
  return {static_cast<std::int16_t>(std::min(gain, 32767.0f)),
          static_cast<std::int16_t>(std::clamp(subtract, -32767.0f, 32767.0f)), shift};
}

template <int Width>
float align_columns(const AlignmentSong& query, int roll, const AlignmentSong& candidate,
                    const AlignmentParams& params, AlignmentScratch& scratch) {
  const int width = Width > 0 ? Width : query.width;
  product_statistics<Width>(query, roll, candidate, scratch);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(kI16));
  const std::int64_t row = kBefore + candidate.stride;
  const std::int64_t columns = candidate.frames;
  const std::int16_t* const blocks = candidate.blocks.data();
  scratch.rows.assign(static_cast<std::size_t>(5 * row), 0);
  std::int16_t* h = scratch.rows.data() + kBefore;  // row i
  std::int16_t* h1 = h + row;                       // row i - 1
  std::int16_t* h2 = h1 + row;                      // row i - 2
  std::int16_t* dots = h2 + row;                    // row i
  std::int16_t* dots1 = dots + row;                 // row i - 1
  const auto zero = hn::Zero(kI16);
  const auto cap =
      hn::Set(kI16, static_cast<std::int16_t>(std::lround(params.cap * kAlignmentUnits)));
  auto best = zero;
  for (std::int64_t i = 0; i < query.frames; ++i) {
    const RowScale scale = row_scale(scratch.mean[i], scratch.variance[i], params);
    const auto gain = hn::Set(kI16, scale.gain);
    const auto subtract = hn::Set(kI16, scale.subtract);
    hn::Vec<I16> x[Width > 0 ? Width : kMaxColumns];
    for (int c = 0; c < width; ++c) x[c] = hn::Set(kI16, *facing(query, width, roll, i, c));
    for (std::int64_t j = 0; j < columns; j += lanes) {
      const std::int16_t* y = blocks + position(width, j, 0);
      auto dot = hn::Mul(x[0], hn::LoadU(kI16, y));
      for (int c = 1; c < width; ++c)
        dot = hn::Add(dot, hn::Mul(x[c], hn::LoadU(kI16, y + c * kMaxLanes)));
      hn::StoreU(dot, kI16, dots + j);
      const auto product = hn::Add(dot, hn::LoadU(kI16, dots1 + j - 1));
      const auto z = hn::ShiftRightSame(
          hn::SaturatedSub(hn::MulFixedPoint15(product, gain), subtract), scale.shift);
      const auto before = hn::Max(hn::Max(hn::LoadU(kI16, h1 + j - 1), hn::LoadU(kI16, h2 + j - 1)),
                                  hn::LoadU(kI16, h1 + j - 2));
      auto value = hn::Max(zero, hn::SaturatedAdd(hn::Min(z, cap), before));
      // Past the end frames are zeros, which are no match.
      if (j + lanes > columns)
        value = hn::IfThenElseZero(hn::FirstN(kI16, static_cast<std::size_t>(columns - j)), value);
      hn::StoreU(value, kI16, h + j);
      best = hn::Max(best, value);
    }
    std::int16_t* oldest = h2;
    h2 = h1;
    h1 = h;
    h = oldest;
    std::swap(dots, dots1);
  }
  std::int16_t values[kMaxLanes];
  hn::StoreU(best, kI16, values);
  return static_cast<float>(*std::max_element(values, values + lanes)) / kAlignmentUnits;
}

float align_pair(const AlignmentSong& query, int roll, const AlignmentSong& candidate,
                 const AlignmentParams& params, AlignmentScratch& scratch) {
  return with_width(query.width, [&]<int Width>() HWY_ATTR {
    return align_columns<Width>(query, roll, candidate, params, scratch);
  });
}

// Mean and covariance of the states of 8-bit frames [1 + frames, width], the first being zero:
// exact sums of integers.
template <int Width>
void state_statistics(const std::vector<std::int16_t>& frames, AlignmentSong& song) {
  constexpr std::int64_t kExact = 1 << 16;  // frames whose sums of products fit 32 bits
  const int width = Width > 0 ? Width : song.width, states = kStateFrames * width;
  const auto squares = static_cast<std::size_t>(states) * states;
  std::vector<double> sum(states), products(squares);
  for (std::int64_t first = 0; first < song.frames; first += kExact) {
    std::vector<std::int32_t> part(states), part_products(squares);
    for (std::int64_t t = first; t < std::min(first + kExact, song.frames); ++t) {
      std::int16_t state[kStateFrames * kMaxColumns];
      std::copy_n(&frames[(t + 1) * width], width, state);
      std::copy_n(&frames[t * width], width, state + width);
      std::int32_t* HWY_RESTRICT row = part_products.data();
      for (int c = 0; c < states; ++c, row += states) {
        part[c] += state[c];
        for (int d = 0; d < states; ++d) row[d] += state[c] * state[d];
      }
    }
    for (int c = 0; c < states; ++c) sum[c] += part[c];
    for (std::size_t i = 0; i < squares; ++i) products[i] += part_products[i];
  }
  const double share = 1 / static_cast<double>(std::max<std::int64_t>(song.frames, 1));
  song.mean.resize(states);
  song.covariance.assign(squares, 0.0f);
  for (int c = 0; c < states; ++c) {
    song.mean[c] = static_cast<float>(sum[c] * share);
    for (int d = 0; d <= c; ++d) {
      const double product = products[static_cast<std::size_t>(c) * states + d];
      song.covariance[static_cast<std::size_t>(c) * states + d] =
          (d < c ? 2 : 1) * static_cast<float>(product * share - sum[c] * share * sum[d] * share);
    }
  }
}

template <int Width>
AlignmentSong prepare_columns(ChromaView chroma, const Excerpt& excerpt) {
  AlignmentSong song;
  const int width = Width > 0 ? Width : chroma.width();
  song.width = width;
  song.frames = excerpt.frames;
  song.stride = (song.frames + kMaxLanes - 1) / kMaxLanes * kMaxLanes;
  song.blocks.resize(static_cast<std::size_t>(width * song.stride));
  double mean[kMaxColumns] = {};
  for (std::int64_t t = 0; t < song.frames; ++t)
    for (int c = 0; c < width; ++c) mean[c] += double{chroma.at(excerpt.first + t, c)};
  for (double& value : mean) value /= static_cast<double>(std::max<std::int64_t>(song.frames, 1));

  // A zero before the first.
  std::vector<std::int16_t> frames(static_cast<std::size_t>((1 + song.frames) * width));
  for (std::int64_t t = 0; t < song.frames; ++t) {
    float x[kMaxColumns], square = 0;
    for (int c = 0; c < width; ++c) {
      x[c] = chroma.at(excerpt.first + t, c) - static_cast<float>(mean[c]);
      square += x[c] * x[c];
    }
    const float scale = kAlignmentScale / std::sqrt(square + kAlignmentFloor);
    for (int c = 0; c < width; ++c) {
      const int from = rolled_from(c, excerpt.roll);
      // Rounds halves away from zero, whatever the sign.
      const auto value = static_cast<std::int16_t>(x[from] * scale + (x[from] < 0 ? -0.5f : 0.5f));
      frames[(1 + t) * width + c] = value;
      song.blocks[position(width, t, c)] = value;
    }
  }
  state_statistics<Width>(frames, song);
  return song;
}

AlignmentSong prepare(ChromaView chroma, const Excerpt& excerpt) {
  return with_width(chroma.width(),
                    [&]<int Width>() HWY_ATTR { return prepare_columns<Width>(chroma, excerpt); });
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(prepare);
HWY_EXPORT(align_pair);

void run(const ops::Align& op, const Context& context) {
  const SongBatch& queries = op.queries;
  const SongBatch& candidates = op.candidates;
  std::vector<AlignmentSong> songs(queries.count + candidates.count);
  parallel_for(queries.count + candidates.count, context.threads, [&](std::int64_t i, int) {
    const SongBatch& batch = i < queries.count ? queries : candidates;
    songs[i] = HWY_DYNAMIC_DISPATCH(prepare)(
        batch.chroma, batch.excerpts[i < queries.count ? i : i - queries.count]);
  });
  std::vector<AlignmentScratch> scratch(context.threads);
  parallel_for(op.count, context.threads, [&](std::int64_t i, int member) {
    const AlignmentPair& pair = op.pairs[i];
    op.scores[i] = HWY_DYNAMIC_DISPATCH(align_pair)(songs[pair.query], pair.roll,
                                                    songs[queries.count + pair.candidate],
                                                    op.params, scratch[member]);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
