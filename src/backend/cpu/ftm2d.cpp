// Two-dimensional Fourier transform magnitudes of chroma patches (Bertin-Mahieux & Ellis 2012): the
// magnitude forgets where in time and at which pitch a pattern lies, hence also the song's key.
//
// Each value is |sum_t sum_c x[t,c] exp(-2 pi i (k c / 12 + l t / patch))|, pooled over the patches
// of a song. The pitch transform is taken once a frame, for k = 0..6; as x is real,
// |F(-l, -k)| = |F(l, k)| gives the rest. The time transform of all patches at once: a magnitude
// does not depend on where time begins, so the phase may be counted from the start of the song, and
// exp(-2 pi i l t / patch) repeats every `patch` frames. A patch's sum is then the tail of the
// block of `patch` frames it begins in plus the head of the next block, both running sums (van Herk
// 1992; Gil & Werman 1993): a few operations a frame whatever the hop, and no subtraction that
// would let rounding errors grow. The time frequencies l lie in the vector lanes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/same_frames.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/ftm2d.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef REPRISE_FTM2D_TABLES
#define REPRISE_FTM2D_TABLES
namespace reprise::cpu {
namespace {

constexpr int kLanes = 16;  // time frequencies in a block; the last block has unused ones
constexpr int kPitchFrequencies = kPitchClasses / 2 + 1;

// What all songs share.
struct Ftm2dTables {
  explicit Ftm2dTables(const Ftm2dParams& p) : params(p) {
    blocks = (params.patch + kLanes - 1) / kLanes;
    const double turn = -2 * std::numbers::pi;
    for (int b = 0; b < blocks; ++b)
      for (std::int64_t t = 0; t < params.patch; ++t)
        for (int part = 0; part < 2; ++part)
          for (int lane = 0; lane < kLanes; ++lane) {
            const double angle =
                turn * static_cast<double>(t * (b * kLanes + lane) % params.patch) / params.patch;
            time.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
          }
    for (int k = 0; k < kPitchFrequencies; ++k)
      for (int c = 0; c < kPitchClasses; ++c) {
        const double angle = turn * (k * c % kPitchClasses) / kPitchClasses;
        pitch_re[k][c] = static_cast<float>(std::cos(angle));
        pitch_im[k][c] = static_cast<float>(std::sin(angle));
      }
  }

  Ftm2dParams params;
  int blocks;
  std::vector<float> time;  // [blocks, patch, re and im, kLanes]
  float pitch_re[kPitchFrequencies][kPitchClasses];
  float pitch_im[kPitchFrequencies][kPitchClasses];
};

}  // namespace
}  // namespace reprise::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<float, kLanes>;
using Vector = hn::Vec<Lanes>;

// planes [12, stride] -> re, im [kPitchFrequencies, stride]; stride is a multiple of kLanes.
void pitch_transform(const Ftm2dTables& tables, const float* planes, std::size_t stride, float* re,
                     float* im) {
  const Lanes d;
  for (int k = 0; k < kPitchFrequencies; ++k)
    for (std::size_t t = 0; t < stride; t += hn::Lanes(d)) {
      Vector sum_re = hn::Zero(d);
      Vector sum_im = hn::Zero(d);
      for (int c = 0; c < kPitchClasses; ++c) {
        const Vector x = hn::LoadU(d, planes + c * stride + t);
        sum_re = hn::MulAdd(x, hn::Set(d, tables.pitch_re[k][c]), sum_re);
        sum_im = hn::MulAdd(x, hn::Set(d, tables.pitch_im[k][c]), sum_im);
      }
      hn::StoreU(sum_re, d, re + k * stride + t);
      hn::StoreU(sum_im, d, im + k * stride + t);
    }
}

// Adds x[t] exp(..) to a running sum.
void add_frame(Lanes d, float re, float im, const float* turn, Vector& sum_re, Vector& sum_im) {
  const Vector x_re = hn::Set(d, re);
  const Vector x_im = hn::Set(d, im);
  const Vector w_re = hn::LoadU(d, turn);
  const Vector w_im = hn::LoadU(d, turn + kLanes);
  sum_re = hn::NegMulAdd(x_im, w_im, hn::MulAdd(x_re, w_re, sum_re));
  sum_im = hn::MulAdd(x_im, w_re, hn::MulAdd(x_re, w_im, sum_im));
}

// Squared magnitudes of one vector of time frequencies in every patch: squares [patches, kLanes].
// re, im: [frames], of one pitch frequency. turns [patch, 2, kLanes]. tail: room for as much.
void patch_squares(const float* re, const float* im, std::int64_t frames, int patch, int hop,
                   const float* turns, float* tail, float* squares) {
  const Lanes d;
  for (std::int64_t block = 0; block + patch <= frames; block += patch) {
    Vector sum_re = hn::Zero(d);
    Vector sum_im = hn::Zero(d);
    for (int t = patch - 1; t >= 0; --t) {
      add_frame(d, re[block + t], im[block + t], turns + 2 * kLanes * t, sum_re, sum_im);
      hn::StoreU(sum_re, d, tail + 2 * kLanes * t);
      hn::StoreU(sum_im, d, tail + 2 * kLanes * t + kLanes);
    }
    Vector head_re = hn::Zero(d);
    Vector head_im = hn::Zero(d);
    for (int t = 0; t < patch && block + t + patch <= frames; ++t) {
      if ((block + t) % hop == 0) {
        const Vector all_re = hn::Add(hn::LoadU(d, tail + 2 * kLanes * t), head_re);
        const Vector all_im = hn::Add(hn::LoadU(d, tail + 2 * kLanes * t + kLanes), head_im);
        hn::StoreU(hn::MulAdd(all_re, all_re, hn::Mul(all_im, all_im)), d,
                   squares + (block + t) / hop * kLanes);
      }
      const std::int64_t next = block + patch + t;
      if (next < frames) add_frame(d, re[next], im[next], turns + 2 * kLanes * t, head_re, head_im);
    }
  }
}

// Mean over the patches of the roots of squares [patches, kLanes].
Vector mean_root(const float* squares, std::int64_t patches) {
  const Lanes d;
  Vector sum = hn::Zero(d);
  for (std::int64_t p = 0; p < patches; ++p)
    sum = hn::Add(sum, hn::Sqrt(hn::LoadU(d, squares + p * kLanes)));
  return hn::Div(sum, hn::Set(d, static_cast<float>(patches)));
}

// Median over the patches of the roots of squares [patches, kLanes], in every lane at once. Floats
// that are not negative are ordered as their bits are, so the lower of the two middle values is
// found bit by bit: it is the largest v with at most `below` values under it.
Vector median_root(const float* squares, std::int64_t patches) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> di;
  using Bits = hn::Vec<decltype(di)>;
  const auto load = [&](std::int64_t p)
                        HWY_ATTR { return hn::BitCast(di, hn::LoadU(d, squares + p * kLanes)); };
  const std::int32_t below = static_cast<std::int32_t>((patches - 1) / 2);
  Bits low = hn::Zero(di);
  for (int bit = 30; bit >= 0; --bit) {
    const Bits trial = hn::Or(low, hn::Set(di, 1 << bit));
    Bits count = hn::Zero(di);  // a true comparison is -1 as a number
    for (std::int64_t p = 0; p < patches; ++p)
      count = hn::Sub(count, hn::VecFromMask(di, hn::Lt(load(p), trial)));
    low = hn::IfThenElse(hn::Gt(count, hn::Set(di, below)), low, trial);
  }
  // The upper middle value is the same one if enough values are no larger, else the next larger.
  Bits high = low;
  if (patches % 2 == 0) {
    Bits no_larger = hn::Zero(di);
    Bits next = hn::Set(di, 0x7fffffff);
    for (std::int64_t p = 0; p < patches; ++p) {
      const auto larger = hn::Gt(load(p), low);
      no_larger = hn::Add(no_larger, hn::IfThenZeroElse(larger, hn::Set(di, 1)));
      next = hn::Min(next, hn::IfThenElse(larger, load(p), next));
    }
    high = hn::IfThenElse(hn::Gt(no_larger, hn::Set(di, below + 1)), low, next);
  }
  const Vector sum = hn::Add(hn::Sqrt(hn::BitCast(d, low)), hn::Sqrt(hn::BitCast(d, high)));
  return hn::Mul(sum, hn::Set(d, 0.5f));
}

// planes [12, stride], zero from `frames` on, frames >= patch -> pooled [kPitchFrequencies,
// blocks * kLanes].
void pooled_magnitudes(const Ftm2dTables& tables, const float* planes, std::size_t stride,
                       std::int64_t frames, float* pooled) {
  const Lanes d;
  const int patch = tables.params.patch;
  const std::int64_t patches = 1 + (frames - patch) / tables.params.hop;
  std::vector<float> re(kPitchFrequencies * stride);
  std::vector<float> im(kPitchFrequencies * stride);
  std::vector<float> tail(static_cast<std::size_t>(patch) * 2 * kLanes);
  std::vector<float> squares(static_cast<std::size_t>(patches) * kLanes);
  pitch_transform(tables, planes, stride, re.data(), im.data());
  for (int k = 0; k < kPitchFrequencies; ++k)
    for (int b = 0; b < tables.blocks; ++b) {
      const float* turns = tables.time.data() + tail.size() * b;
      float* to = pooled + (static_cast<std::int64_t>(k) * tables.blocks + b) * kLanes;
      for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
        patch_squares(re.data() + k * stride, im.data() + k * stride, frames, patch,
                      tables.params.hop, turns + lane, tail.data() + lane, squares.data() + lane);
        hn::StoreU(tables.params.median ? median_root(squares.data() + lane, patches)
                                        : mean_root(squares.data() + lane, patches),
                   d, to + lane);
      }
    }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {
namespace {

HWY_EXPORT(pooled_magnitudes);

float raise(float value, float power) {
  if (power == 1) return value;
  if (power == 2) return value * value;
  return std::pow(value, power);
}

float length(const float* frame) {
  float square = 0;
  for (int c = 0; c < kPitchClasses; ++c) square += frame[c] * frame[c];
  return std::sqrt(square);
}

// Raises a frame's values to a power; with keep_norm between two scalings to length 1, and then
// back to its length.
void apply_power(const Ftm2dParams& params, float* frame) {
  const float norm = params.keep_norm ? length(frame) : 1;
  if (norm == 0) return;
  for (int c = 0; c < kPitchClasses; ++c) frame[c] = raise(frame[c] / norm, params.power);
  if (!params.keep_norm) return;
  const float factor = norm / length(frame);
  for (int c = 0; c < kPitchClasses; ++c) frame[c] *= factor;
}

void ftm2d_song(const Ftm2dTables& tables, ChromaView chroma, const Excerpt& excerpt, float* out) {
  const Ftm2dParams& params = tables.params;
  const std::int64_t frames = std::max<std::int64_t>(excerpt.frames, params.patch);
  const std::size_t stride = (static_cast<std::size_t>(frames) + kLanes - 1) / kLanes * kLanes;
  std::vector<float> planes(kPitchClasses * stride);
  for (std::int64_t t = 0; t < excerpt.frames; ++t) {
    float frame[kPitchClasses];
    for (int c = 0; c < kPitchClasses; ++c) frame[c] = chroma.at(excerpt.first + t, c);
    apply_power(params, frame);
    for (int c = 0; c < kPitchClasses; ++c) planes[c * stride + t] = frame[c];
  }

  const int width = tables.blocks * kLanes;
  std::vector<float> pooled(static_cast<std::size_t>(kPitchFrequencies) * width);
  HWY_DYNAMIC_DISPATCH(pooled_magnitudes)(tables, planes.data(), stride, frames, pooled.data());

  double square = 0;
  for (int l = 0; l < params.patch; ++l)
    for (int k = 0; k < kPitchClasses; ++k) {
      const float value =
          k < kPitchFrequencies
              ? pooled[k * width + l]
              : pooled[(kPitchClasses - k) * width + (params.patch - l) % params.patch];
      out[l * kPitchClasses + k] = value;
      square += double{value} * value;
    }
  if (!params.unit_norm || square == 0) return;
  const double factor = 1 / std::sqrt(square);
  for (int i = 0; i < params.dims(); ++i) out[i] = static_cast<float>(out[i] * factor);
}

}  // namespace

void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
           const Ftm2dParams& params, int threads, float* out) {
  const Ftm2dTables tables(params);
  const std::vector<std::int64_t> starts = runs_of_same_frames(excerpts, count);
  const std::int64_t runs = static_cast<std::int64_t>(starts.size()) - 1;
  const std::int64_t dims = params.dims();
  parallel_for(runs, threads, [&](std::int64_t run, int) {
    float* first = out + starts[run] * dims;
    ftm2d_song(tables, chroma, excerpts[starts[run]], first);
    for (std::int64_t e = starts[run] + 1; e < starts[run + 1]; ++e)
      std::copy_n(first, dims, out + e * dims);
  });
}

}  // namespace reprise::cpu
#endif
