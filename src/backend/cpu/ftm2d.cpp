// Two-dimensional Fourier transform magnitudes of chroma patches (Bertin-Mahieux & Ellis 2012): the
// magnitude forgets where in time and at which pitch a pattern lies, hence also the song's key.
//
// Each value is |sum_t sum_c x[t,c] exp(-2 pi i (k c / 12 + l t / patch))|, pooled over the patches
// of a song, for k = 0..6: as x is real, |F(-l, -k)| = |F(l, k)| gives the rest, and half of the
// time frequencies of k = 0 and 6. There are two ways to the squares of a song's patches.
//
// Patches that lie apart are transformed side by side, a patch of one of several songs in each
// vector lane.
//
// Where they overlap, all patches of a song are transformed at once, the time frequencies l in the
// lanes. A magnitude does not depend on where time begins, so the phase may be counted from the
// start of the song, and exp(-2 pi i l t / patch) repeats every `patch` frames. A patch's sum is
// then the tail of the block of `patch` frames it begins in plus the head of the next block, both
// running sums (van Herk 1992; Gil & Werman 1993): a few operations a frame whatever the hop, and
// no subtraction that would let rounding errors grow.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/ftm2d.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/fourier-inl.h"
#include "backend/cpu/micro_kernels-inl.h"
#include "backend/cpu/power-inl.h"
// clang-format on

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/fourier_plan.h"
#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/same_frames.h"

#ifndef REPRISE_FTM2D_TABLES_
#define REPRISE_FTM2D_TABLES_
namespace reprise::cpu {

constexpr int kBlock = 16;  // time frequencies in a block of the running sums
constexpr int kPitchFrequencies = kPitchClasses / 2 + 1;

// Patches are transformed one by one from this hop on; at smaller ones the running sums take less
// (measured: as long at 3, a tenth less at 2, a tenth more at 6).
constexpr int kLongHop = 4;

// What all songs share.
struct Ftm2dTables {
  explicit Ftm2dTables(const Ftm2dParams& p) : params(p), plan(p.patch) {
    const int half = params.patch / 2 + 1;
    for (int k = 0; k < kPitchFrequencies; ++k) {
      start[k] = values;
      count[k] = k == 0 || k == kPitchFrequencies - 1 ? half : params.patch;
      values += count[k];
    }
    if (by_patch()) return;
    for (int first = 0; first < params.patch; first += kBlock)
      for (std::int64_t t = 0; t < params.patch; ++t)
        for (int part = 0; part < 2; ++part)
          for (int l = first; l < first + kBlock; ++l) {
            const double angle =
                -2 * std::numbers::pi * static_cast<double>(t * l % params.patch) / params.patch;
            turns.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
          }
  }

  bool by_patch() const { return params.hop >= kLongHop; }
  std::int64_t patches(std::int64_t frames) const {
    return frames < params.patch ? 1 : 1 + (frames - params.patch) / params.hop;
  }

  Ftm2dParams params;
  FourierPlan plan;
  int start[kPitchFrequencies];  // of the time frequencies of a pitch frequency
  int count[kPitchFrequencies];
  int values = 0;            // magnitudes of a patch that are computed
  std::vector<float> turns;  // of the running sums: [blocks, patch, re and im, kBlock]
};

// A run of excerpts of one song, and where its fingerprint goes.
struct Ftm2dSong {
  Excerpt excerpt;
  float* out;
};

// Memory of one thread.
struct Ftm2dScratch {
  std::vector<Floats> rows, powered;  // of each song
  std::vector<const float*> patches;
  Floats lanes, spectrum, work, frequencies, squares, planes, re, im, tail, pooled, full, turned;
};

}  // namespace reprise::cpu
#endif  // REPRISE_FTM2D_TABLES_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

HWY_INLINE float length(const float* frame) {
  float square = 0;
  for (int c = 0; c < kPitchClasses; ++c) square += frame[c] * frame[c];
  return std::sqrt(square);
}

// to [frames, 12] = the values raised to a power; with keep_norm between two scalings of a frame to
// length 1, and then back to its length.
void apply_power(const Ftm2dParams& params, const float* from, std::int64_t frames, float* to) {
  const std::int64_t values = frames * kPitchClasses;
  for (std::int64_t i = 0; i < values; i += kPitchClasses) {
    const float norm = params.keep_norm ? length(from + i) : 1;
    const float factor = norm > 0 ? 1 / norm : 0;
    for (int c = 0; c < kPitchClasses; ++c) to[i + c] = from[i + c] * factor;
  }
  for (std::int64_t i = 0; i < values; i += kLanes) {
    const Vec v = hn::LoadU(kF32, to + i);
    const Vec powered = params.power == 2 ? hn::Mul(v, v) : raise(kF32, v, params.power);
    hn::StoreU(powered, kF32, to + i);
  }
  if (!params.keep_norm) return;
  for (std::int64_t i = 0; i < values; i += kPitchClasses) {
    const float now = length(to + i);
    const float factor = now > 0 ? length(from + i) / now : 0;
    for (int c = 0; c < kPitchClasses; ++c) to[i + c] *= factor;
  }
}

// The frames of a song, at least a patch of them, that the transforms are of. Where they are not
// transformed by patch, kLanes more may be read, as transpose() does.
const float* powered_rows(const Ftm2dTables& tables, ChromaView chroma, const Excerpt& e,
                          Floats& rows, Floats& powered) {
  const Ftm2dParams& params = tables.params;
  // Magnitudes do not depend on the key.
  const float* x = excerpt_rows(chroma, {e.first, e.frames, 0}, params.patch, rows);
  const bool as_it_is = params.power == 1;  // keep_norm scales there and back
  if (as_it_is && tables.by_patch()) return x;
  const std::int64_t frames = std::max<std::int64_t>(e.frames, params.patch);
  float* to = powered.resize((frames + kLanes) * kPitchClasses);
  if (as_it_is)
    std::copy_n(x, frames * kPitchClasses, to);
  else
    apply_power(params, x, frames, to);
  return to;
}

// The transform of 12 real numbers, the frequencies 0..6: three transforms of four, x[3 i + 4 j],
// and four of three, with no factors between (Good 1958).
HWY_INLINE void pitch_transform(const Vec x[kPitchClasses], Complex out[kPitchFrequencies]) {
  Vec sum[3], difference[3], re[3], im[3];  // frequencies 0, 2 and 1 (re, -im) of the fours
  HWY_UNROLL(3)
  for (int j = 0; j < 3; ++j) {
    const Vec a0 = x[4 * j % 12], a1 = x[(3 + 4 * j) % 12];
    const Vec a2 = x[(6 + 4 * j) % 12], a3 = x[(9 + 4 * j) % 12];
    const Vec even = hn::Add(a0, a2), odd = hn::Add(a1, a3);
    sum[j] = hn::Add(even, odd);
    difference[j] = hn::Sub(even, odd);
    re[j] = hn::Sub(a0, a2);
    im[j] = hn::Sub(a1, a3);
  }
  const Vec half = hn::Set(kF32, 0.5f), root = hn::Set(kF32, 0.86602540f), zero = hn::Zero(kF32);
  const auto both = [](const Vec v[3]) HWY_ATTR { return hn::Add(v[1], v[2]); };
  const auto all = [&](const Vec v[3]) HWY_ATTR { return hn::Add(v[0], both(v)); };
  const auto less = [&](const Vec v[3]) HWY_ATTR { return hn::NegMulAdd(half, both(v), v[0]); };
  const auto skew = [&](const Vec v[3]) HWY_ATTR { return hn::Mul(root, hn::Sub(v[1], v[2])); };
  const Vec less_re = less(re), less_im = less(im), skew_re = skew(re), skew_im = skew(im);
  out[0] = {all(sum), zero};
  out[1] = {hn::Sub(less_re, skew_im), hn::Neg(hn::Add(less_im, skew_re))};
  out[2] = {less(difference), skew(difference)};
  out[3] = {all(re), all(im)};
  out[4] = {less(sum), hn::Neg(skew(sum))};
  out[5] = {hn::Add(less_re, skew_im), hn::Sub(skew_re, less_im)};
  out[6] = {all(difference), zero};
}

HWY_INLINE Vec square(Complex a) {
  return hn::MulAdd(a.re, a.re, hn::Mul(a.im, a.im));
}

// squares [kLanes, stride] of the patches at patch[0 .. kLanes - 1], as Ftm2dTables orders them.
void patch_squares(const Ftm2dTables& tables, const float* const* patch, std::int64_t stride,
                   Ftm2dScratch& scratch, float* squares) {
  constexpr int kFrames = 4;  // gathered at a time: whole vectors of any width
  const int length = tables.params.patch;
  const std::int64_t each = std::int64_t{length} * 2 * kLanes;
  float* lanes = scratch.lanes.resize(kFrames * kPitchClasses * kLanes);
  // The frequencies 0 and 6 are real: one transform over time takes both.
  float* spectrum = scratch.spectrum.resize((kPitchFrequencies - 1) * each);
  for (int t = 0; t < length; t += kFrames) {
    gather_lanes([&](int lane) HWY_ATTR { return patch[lane] + t * kPitchClasses; },
                 kFrames * kPitchClasses, lanes);
    for (int i = 0; i < std::min(kFrames, length - t); ++i) {
      Vec x[kPitchClasses];
      HWY_UNROLL(12)
      for (int c = 0; c < kPitchClasses; ++c)
        x[c] = hn::LoadU(kF32, lanes + (i * kPitchClasses + c) * kLanes);
      Complex f[kPitchFrequencies];
      pitch_transform(x, f);
      f[0].im = f[kPitchFrequencies - 1].re;
      for (int k = 0; k < kPitchFrequencies - 1; ++k) store(f[k], spectrum + k * each, t + i);
    }
  }
  float* work = scratch.work.resize(each);
  float* frequencies = scratch.frequencies.resize(tables.values * kLanes);
  for (int k = 0; k < kPitchFrequencies - 1; ++k) {
    const float* f = fourier(tables.plan, spectrum + k * each, work);
    float* to = frequencies + tables.start[k] * kLanes;
    if (k > 0) {
      for (int l = 0; l < length; ++l) hn::StoreU(square(load(f, l)), kF32, to + l * kLanes);
      continue;
    }
    // f = a + i b for transforms a, b of real numbers: a = (f[l] + conj f[-l]) / 2, i b the rest.
    float* last = frequencies + tables.start[kPitchFrequencies - 1] * kLanes;
    const Vec quarter = hn::Set(kF32, 0.25f);
    for (int l = 0; l < tables.count[0]; ++l) {
      const Complex a = load(f, l), b = load(f, (length - l) % length);
      const Complex sum = a + b, difference = a - b;
      hn::StoreU(hn::Mul(quarter, square({sum.re, difference.im})), kF32, to + l * kLanes);
      hn::StoreU(hn::Mul(quarter, square({sum.im, difference.re})), kF32, last + l * kLanes);
    }
  }
  transpose_wide(frequencies, tables.values, kLanes, kLanes, squares, stride);
}

// Adds x[t] exp(..) to a running sum.
HWY_INLINE void add_frame(float re, float im, const float* turn, Complex& sum) {
  const Vec x_re = hn::Set(kF32, re), x_im = hn::Set(kF32, im);
  const Vec w_re = hn::LoadU(kF32, turn), w_im = hn::LoadU(kF32, turn + kBlock);
  sum.re = hn::NegMulAdd(x_im, w_im, hn::MulAdd(x_re, w_re, sum.re));
  sum.im = hn::MulAdd(x_im, w_re, hn::MulAdd(x_re, w_im, sum.im));
}

// Squares of one vector of time frequencies in every patch: squares [patches, kBlock].
// re, im: [frames], of one pitch frequency. turns [patch, 2, kBlock]. tail: room for as much.
void running_squares(const float* re, const float* im, std::int64_t frames, int patch, int hop,
                     const float* turns, float* tail, float* squares) {
  for (std::int64_t block = 0; block + patch <= frames; block += patch) {
    Complex sum{hn::Zero(kF32), hn::Zero(kF32)}, head = sum;
    for (int t = patch - 1; t >= 0; --t) {
      add_frame(re[block + t], im[block + t], turns + 2 * kBlock * t, sum);
      hn::StoreU(sum.re, kF32, tail + 2 * kBlock * t);
      hn::StoreU(sum.im, kF32, tail + 2 * kBlock * t + kBlock);
    }
    for (int t = 0; t < patch && block + t + patch <= frames; ++t) {
      if ((block + t) % hop == 0) {
        const float* rest = tail + 2 * kBlock * t;
        const Complex all = head + Complex{hn::LoadU(kF32, rest), hn::LoadU(kF32, rest + kBlock)};
        hn::StoreU(square(all), kF32, squares + (block + t) / hop * kBlock);
      }
      const std::int64_t next = block + patch + t;
      if (next < frames) add_frame(re[next], im[next], turns + 2 * kBlock * t, head);
    }
  }
}

// Mean over the patches of the roots of squares [patches, stride].
HWY_INLINE Vec mean_root(const float* squares, std::int64_t stride, std::int64_t patches) {
  Vec sum = hn::Zero(kF32);
  for (std::int64_t p = 0; p < patches; ++p)
    sum = hn::Add(sum, hn::Sqrt(hn::LoadU(kF32, squares + p * stride)));
  return hn::Div(sum, hn::Set(kF32, static_cast<float>(patches)));
}

// Median over the patches of the roots of squares [patches, stride], in every lane at once. Floats
// that are not negative are ordered as their bits are, so the lower of the two middle values is
// found bit by bit: it is the largest v with at most `below` values under it.
HWY_INLINE Vec median_root(const float* squares, std::int64_t stride, std::int64_t patches) {
  const hn::RebindToSigned<F32> di;
  using Bits = hn::Vec<decltype(di)>;
  const auto load = [&](std::int64_t p)
                        HWY_ATTR { return hn::BitCast(di, hn::LoadU(kF32, squares + p * stride)); };
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
  const Vec sum = hn::Add(hn::Sqrt(hn::BitCast(kF32, low)), hn::Sqrt(hn::BitCast(kF32, high)));
  return hn::Mul(sum, hn::Set(kF32, 0.5f));
}

HWY_INLINE Vec pool(bool median, const float* squares, std::int64_t stride, std::int64_t patches) {
  return median ? median_root(squares, stride, patches) : mean_root(squares, stride, patches);
}

// pooled [values] -> out [patch, 12], by the symmetry of real transforms.
void write_fingerprint(const Ftm2dTables& tables, const float* pooled, Ftm2dScratch& scratch,
                       float* out) {
  const int patch = tables.params.patch, dims = tables.params.dims();
  float* full = scratch.full.resize(dims);  // [12, patch]
  for (int k = 0; k < kPitchFrequencies; ++k) {
    const float* from = pooled + tables.start[k];
    float* to = full + k * patch;
    std::copy_n(from, tables.count[k], to);
    for (int l = tables.count[k]; l < patch; ++l) to[l] = from[patch - l];
    if (tables.count[k] < patch) continue;
    float* mirror = full + (kPitchClasses - k) * patch;
    mirror[0] = from[0];
    for (int l = 1; l < patch; ++l) mirror[l] = from[patch - l];
  }
  float* turned = scratch.turned.resize(dims + kLanes * kPitchClasses);
  transpose_wide(full, kPitchClasses, patch, patch, turned, kPitchClasses);
  if (!tables.params.unit_norm) {
    std::copy_n(turned, dims, out);
    return;
  }
  const float norm = std::sqrt(dot(turned, turned, dims));
  const float factor = norm > 0 ? 1 / norm : 0;
  for (int i = 0; i < dims; ++i) out[i] = turned[i] * factor;
}

// Fingerprints of songs, patch by patch.
void transform_patches(const Ftm2dTables& tables, ChromaView chroma, const Ftm2dSong* songs,
                       int count, Ftm2dScratch& scratch) {
  scratch.rows.resize(count);
  scratch.powered.resize(count);
  std::vector<const float*>& patches = scratch.patches;
  patches.clear();
  for (int s = 0; s < count; ++s) {
    const Excerpt& e = songs[s].excerpt;
    const float* rows = powered_rows(tables, chroma, e, scratch.rows[s], scratch.powered[s]);
    for (std::int64_t p = 0; p < tables.patches(e.frames); ++p)
      patches.push_back(rows + p * tables.params.hop * kPitchClasses);
  }
  while (patches.size() % kLanes != 0) patches.push_back(patches.back());
  const std::int64_t all = static_cast<std::int64_t>(patches.size());
  const std::int64_t stride = (tables.values + kLanes - 1) / kLanes * kLanes;
  const float* squares = scratch.squares.resize(all * stride);
  for (std::int64_t p = 0; p < all; p += kLanes)
    patch_squares(tables, &patches[p], stride, scratch, scratch.squares.data() + p * stride);
  float* pooled = scratch.pooled.resize(tables.values);
  for (int s = 0; s < count; ++s) {
    const std::int64_t own = tables.patches(songs[s].excerpt.frames);
    for (int i = 0; i < tables.values; i += kLanes)
      hn::StoreU(pool(tables.params.median, squares + i, stride, own), kF32, pooled + i);
    write_fingerprint(tables, pooled, scratch, songs[s].out);
    squares += own * stride;
  }
}

// The fingerprint of a song, by running sums.
void slide_patch(const Ftm2dTables& tables, ChromaView chroma, const Ftm2dSong& song,
                 Ftm2dScratch& scratch) {
  scratch.rows.resize(1);
  scratch.powered.resize(1);
  const Excerpt& e = song.excerpt;
  const int patch = tables.params.patch;
  const float* rows = powered_rows(tables, chroma, e, scratch.rows[0], scratch.powered[0]);
  const std::int64_t frames = std::max<std::int64_t>(e.frames, patch);
  const std::int64_t stride = (frames + kLanes - 1) / kLanes * kLanes;
  float* planes = scratch.planes.resize(kPitchClasses * stride);
  float* re = scratch.re.resize(kPitchFrequencies * stride);
  float* im = scratch.im.resize(kPitchFrequencies * stride);
  transpose(rows, frames, kPitchClasses, kPitchClasses, planes, stride);
  for (std::int64_t t = 0; t < stride; t += kLanes) {
    Vec x[kPitchClasses];
    HWY_UNROLL(12)
    for (int c = 0; c < kPitchClasses; ++c) x[c] = hn::LoadU(kF32, planes + c * stride + t);
    Complex f[kPitchFrequencies];
    pitch_transform(x, f);
    HWY_UNROLL(7)
    for (int k = 0; k < kPitchFrequencies; ++k) {
      hn::StoreU(f[k].re, kF32, re + k * stride + t);
      hn::StoreU(f[k].im, kF32, im + k * stride + t);
    }
  }

  const std::int64_t patches = tables.patches(e.frames), block = std::int64_t{2} * patch * kBlock;
  float* tail = scratch.tail.resize(block);
  float* squares = scratch.squares.resize(patches * kBlock);
  // What a vector has beyond the last frequency is overwritten by the next pitch frequency.
  float* pooled = scratch.pooled.resize(tables.values);
  for (int k = 0; k < kPitchFrequencies; ++k)
    for (int l = 0; l < tables.count[k]; l += kLanes) {
      const int lane = l % kBlock;
      running_squares(re + k * stride, im + k * stride, frames, patch, tables.params.hop,
                      &tables.turns[l / kBlock * block + lane], tail + lane, squares + lane);
      hn::StoreU(pool(tables.params.median, squares + lane, kBlock, patches), kF32,
                 pooled + tables.start[k] + l);
    }
  write_fingerprint(tables, pooled, scratch, song.out);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(transform_patches);
HWY_EXPORT(slide_patch);

void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
           const Ftm2dParams& params, int threads, float* out) {
  constexpr std::int64_t kTogether = 8;  // songs that share vectors
  const Ftm2dTables tables(params);
  const std::vector<std::int64_t> starts = runs_of_same_frames(excerpts, count);
  const std::int64_t runs = static_cast<std::int64_t>(starts.size()) - 1, dims = params.dims();
  std::vector<Ftm2dSong> songs;
  for (std::int64_t run = 0; run < runs; ++run)
    songs.push_back({excerpts[starts[run]], out + starts[run] * dims});
  std::vector<Ftm2dScratch> scratch(threads);
  if (tables.by_patch()) {
    parallel_for((runs + kTogether - 1) / kTogether, threads, [&](std::int64_t i, int member) {
      const std::int64_t first = i * kTogether;
      HWY_DYNAMIC_DISPATCH(transform_patches)
      (tables, chroma, &songs[first], static_cast<int>(std::min(kTogether, runs - first)),
       scratch[member]);
    });
  } else {
    parallel_for(runs, threads, [&](std::int64_t run, int member) {
      HWY_DYNAMIC_DISPATCH(slide_patch)(tables, chroma, songs[run], scratch[member]);
    });
  }
  for (std::int64_t run = 0; run < runs; ++run)
    for (std::int64_t e = starts[run] + 1; e < starts[run + 1]; ++e)
      std::copy_n(songs[run].out, dims, out + e * dims);
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
