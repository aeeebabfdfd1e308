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
#include "backend/cpu/ftm2d_song-inl.h"
// clang-format on

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "backend/cpu/ftm2d_tables.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

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

// Magnitudes of songs, patch by patch.
void transform_patches(const Ftm2dTables& tables, const Ftm2dSong* songs, int count,
                       Ftm2dScratch& scratch) {
  scratch.rows.resize(count);
  scratch.powered.resize(count);
  std::vector<const float*>& patches = scratch.patches;
  patches.clear();
  for (int s = 0; s < count; ++s) {
    const Excerpt& e = songs[s].excerpt;
    const float* rows =
        powered_rows(tables, songs[s].chroma, e, scratch.rows[s], scratch.powered[s]);
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
    write_magnitudes(tables, pooled, scratch, songs[s].out);
    squares += own * stride;
  }
}

// The magnitudes of a song, by running sums.
void slide_patch(const Ftm2dTables& tables, const Ftm2dSong& song, Ftm2dScratch& scratch) {
  scratch.rows.resize(1);
  scratch.powered.resize(1);
  const Excerpt& e = song.excerpt;
  const int patch = tables.params.patch;
  const float* rows = powered_rows(tables, song.chroma, e, scratch.rows[0], scratch.powered[0]);
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
  write_magnitudes(tables, pooled, scratch, song.out);
}

void to_unit(float* values, int count) {
  const float norm = std::sqrt(dot(values, values, count));
  const float factor = norm > 0 ? 1 / norm : 0;
  for (int i = 0; i < count; ++i) values[i] *= factor;
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(transform_patches);
HWY_EXPORT(slide_patch);
HWY_EXPORT(to_unit);

namespace {

// Where runs of excerpts of the same frames begin (one song in many keys), and last `count`: what
// does not depend on the key is computed once a run.
std::vector<std::int64_t> runs_of_same_frames(const Excerpt* excerpts, std::int64_t count) {
  std::vector<std::int64_t> starts;
  for (std::int64_t e = 0; e < count; ++e)
    if (e == 0 || excerpts[e].first != excerpts[e - 1].first ||
        excerpts[e].frames != excerpts[e - 1].frames)
      starts.push_back(e);
  starts.push_back(count);
  return starts;
}

}  // namespace

void run(const ops::Ftm2d& op, const Context& context) {
  constexpr std::int64_t kTogether = 8;  // songs that share vectors
  const ChromaView chroma = op.songs.chroma;
  const Excerpt* excerpts = op.songs.excerpts;
  const Ftm2dParams& params = op.params;
  Ftm2dParams of_band = params;
  of_band.bands = 1;
  const Ftm2dTables tables(of_band);
  const std::vector<std::int64_t> starts = runs_of_same_frames(excerpts, op.songs.count);
  const std::int64_t runs = static_cast<std::int64_t>(starts.size()) - 1, dims = params.dims();
  std::vector<Ftm2dSong> songs;
  for (std::int64_t run = 0; run < runs; ++run)
    for (int band = 0; band < params.bands; ++band)
      songs.push_back({chroma.band(band), excerpts[starts[run]],
                       op.out + starts[run] * dims + std::int64_t{band} * of_band.dims()});
  const auto all = static_cast<std::int64_t>(songs.size());
  std::vector<Ftm2dScratch> scratch(context.threads);
  if (tables.by_patch()) {
    parallel_for((all + kTogether - 1) / kTogether, context.threads,
                 [&](std::int64_t i, int member) {
                   const std::int64_t first = i * kTogether;
                   HWY_DYNAMIC_DISPATCH(transform_patches)
                   (tables, &songs[first], static_cast<int>(std::min(kTogether, all - first)),
                    scratch[member]);
                 });
  } else {
    parallel_for(all, context.threads, [&](std::int64_t i, int member) {
      HWY_DYNAMIC_DISPATCH(slide_patch)(tables, songs[i], scratch[member]);
    });
  }
  parallel_for(runs, context.threads, [&](std::int64_t run, int) {
    float* fingerprint = op.out + starts[run] * dims;
    if (params.unit_norm) HWY_DYNAMIC_DISPATCH(to_unit)(fingerprint, params.dims());
    for (std::int64_t e = starts[run] + 1; e < starts[run + 1]; ++e)
      std::copy_n(fingerprint, dims, op.out + e * dims);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
