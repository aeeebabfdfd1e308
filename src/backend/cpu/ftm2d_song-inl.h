// What both ways to the magnitudes of a song's patches (see ftm2d.cpp) begin and end with: its
// frames raised to a power, the transform over pitch; pooling over the patches, and the
// fingerprint. Included once for each instruction set.

#if defined(REPRISE_FTM2D_SONG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_FTM2D_SONG_INL_H_
#undef REPRISE_FTM2D_SONG_INL_H_
#else
#define REPRISE_FTM2D_SONG_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/fourier-inl.h"
#include "backend/cpu/ftm2d_tables.h"
#include "backend/cpu/micro_kernels-inl.h"
#include "backend/cpu/power-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

HWY_INLINE float length(const float* frame) {
  float square = 0;
  for (int c = 0; c < kPitchClasses; ++c) square += frame[c] * frame[c];
  return std::sqrt(square);
}

// to [frames, 12] = the values raised to a power; with keep_norm between two scalings of a frame to
// length 1, and then back to its length.
inline void apply_power(const Ftm2dParams& params, const float* from, std::int64_t frames,
                        float* to) {
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
inline const float* powered_rows(const Ftm2dTables& tables, ChromaView chroma, const Excerpt& e,
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
inline void write_magnitudes(const Ftm2dTables& tables, const float* pooled, Ftm2dScratch& scratch,
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
  std::copy_n(turned, dims, out);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_FTM2D_SONG_INL_H_
