// Training's excerpts: the 2016 patchwork, and random variation of time, level and noise. Noise is
// a normal number for each value, so drawing it is most of the work: a vector of draws at a time,
// the same that Random makes one after another.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/augment.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/excerpt_rows-inl.h"
#include "backend/cpu/power-inl.h"
// clang-format on

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"
#include "reprise/augment.h"

#ifndef REPRISE_AUGMENT_SCRATCH_
#define REPRISE_AUGMENT_SCRATCH_
namespace reprise::cpu {

// Memory of one thread.
struct AugmentScratch {
  std::vector<std::int32_t> kept;
  Floats rows, values;
};

}  // namespace reprise::cpu
#endif  // REPRISE_AUGMENT_SCRATCH_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
constexpr F32 kF32{};
constexpr int kLanes = static_cast<int>(hn::MaxLanes(kF32));

#if HWY_TARGET != HWY_SCALAR
using U64 = hn::Repartition<std::uint64_t, F32>;
constexpr U64 kU64{};

// The low half of x * factor, from products of 32 bits.
HWY_INLINE hn::Vec<U64> multiply(hn::Vec<U64> x, std::uint64_t factor) {
  const hn::Repartition<std::uint32_t, F32> u32;
  const auto low = hn::BitCast(u32, hn::Set(kU64, factor & 0xffffffffu));
  const auto high = hn::BitCast(u32, hn::Set(kU64, factor >> 32));
  const auto x_low = hn::BitCast(u32, x);
  const auto x_high = hn::BitCast(u32, hn::ShiftRight<32>(x));
  const auto cross = hn::Add(hn::MulEven(x_low, high), hn::MulEven(x_high, low));
  return hn::Add(hn::MulEven(x_low, low), hn::ShiftLeft<32>(cross));
}

// Random's hash, its upper 24 bits.
HWY_INLINE hn::Vec<U64> draw(hn::Vec<U64> x) {
  x = multiply(hn::Xor(x, hn::ShiftRight<30>(x)), Random::kMix[0]);
  x = multiply(hn::Xor(x, hn::ShiftRight<27>(x)), Random::kMix[1]);
  return hn::ShiftRight<40>(hn::Xor(x, hn::ShiftRight<31>(x)));
}

// Two uniform numbers for each lane of `state`, side by side.
HWY_INLINE hn::Vec<F32> uniform_pairs(hn::Vec<U64> state) {
  const auto first = draw(hn::Add(state, hn::Set(kU64, Random::kStep)));
  const auto second = draw(hn::Add(state, hn::Set(kU64, 2 * Random::kStep)));
  const hn::Repartition<std::int32_t, F32> i32;
  const auto bits = hn::BitCast(i32, hn::Or(first, hn::ShiftLeft<32>(second)));
  return hn::Mul(hn::ConvertTo(kF32, bits), hn::Set(kF32, 0x1p-24f));
}

// A normal number for each lane, of the draws after the `at`-th normal (Box & Muller 1958).
HWY_INLINE hn::Vec<F32> normals(std::uint64_t state, std::uint64_t at) {
  constexpr std::uint64_t kPair = 2 * Random::kStep;
  HWY_ALIGN std::uint64_t lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = state + (at + static_cast<std::uint64_t>(i)) * kPair;
  const auto low = uniform_pairs(hn::Load(kU64, lanes));
  const auto high = uniform_pairs(hn::Load(kU64, lanes + kLanes / 2));
  const auto u = hn::ConcatEven(kF32, high, low), turn = hn::ConcatOdd(kF32, high, low);
  const auto log = hn::Log(kF32, hn::Sub(hn::Set(kF32, 1.0f), u));
  const auto radius = hn::Sqrt(hn::Mul(hn::Set(kF32, -2.0f), log));
  return hn::Mul(radius, hn::Cos(kF32, hn::Mul(hn::Set(kF32, 6.283185307f), turn)));
}
#endif

// values[i] = max(0, values[i] ^ power + deviation * normal).
void vary_values(float* HWY_RESTRICT values, std::int64_t count, const Variation& variation,
                 Random random) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t i = 0; i < count; ++i) {
    if (variation.powered) values[i] = std::pow(values[i], variation.power);
    if (variation.deviation > 0)
      values[i] = std::max(0.0f, values[i] + variation.deviation * random.normal());
  }
#else
  const auto zero = hn::Zero(kF32);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    auto v = hn::LoadU(kF32, values + i);
    if (variation.powered) v = raise(kF32, v, variation.power);
    if (variation.deviation > 0) {
      const auto noise = normals(random.state(), static_cast<std::uint64_t>(i));
      v = hn::Max(zero, hn::MulAdd(hn::Set(kF32, variation.deviation), noise, v));
    }
    hn::StoreU(v, kF32, values + i);
  }
#endif
}

// One take: which source frames (dropped, stretched and cropped), then values.
Excerpt vary(ChromaView chroma, const Take& take, const AugmentParams& p, std::int64_t out_first,
             AugmentScratch& scratch, float* out) {
  Random random(take.seed);
  const Excerpt& e = take.excerpt;
  const Variation v(p, random);
  std::vector<std::int32_t>& kept = scratch.kept;
  kept.clear();
  for (std::int32_t t = 0; t < e.frames; ++t)
    if (v.drop == 0 || random.uniform() >= v.drop) kept.push_back(t);
  if (kept.empty()) kept.push_back(0);
  const auto source = static_cast<std::int64_t>(kept.size());
  const Crop crop(source, v.stretch, p.crop, random);

  const float* rows = excerpt_rows(chroma, {e.first, e.frames, 0}, 1, scratch.rows);
  float* values = scratch.values.resize(crop.frames * kPitchClasses);
  for (std::int64_t t = 0; t < crop.frames; ++t) {
    const float at = crop.time(t, v.stretch, source);
    const auto before = static_cast<std::int64_t>(at);
    const std::int64_t after = std::min(before + 1, source - 1);
    const float share = at - static_cast<float>(before);
    const float* HWY_RESTRICT v0 = rows + std::int64_t{kept[before]} * kPitchClasses;
    const float* HWY_RESTRICT v1 = rows + std::int64_t{kept[after]} * kPitchClasses;
    float* HWY_RESTRICT value = values + t * kPitchClasses;
    for (int c = 0; c < kPitchClasses; ++c) value[c] = v0[c] + share * (v1[c] - v0[c]);
  }
  if (v.powered || v.deviation > 0) vary_values(values, crop.frames * kPitchClasses, v, random);
  roll_rows(values, crop.frames, e.roll, out);
  return {out_first, static_cast<std::int32_t>(crop.frames), 0};
}

// out [patches * frames, 12].
void patchwork_song(ChromaView chroma, const Excerpt& e, const PatchworkParams& params,
                    const std::int64_t* starts, AugmentScratch& scratch, float* out) {
  constexpr std::size_t kRow = kPitchClasses * sizeof(float);
  const float* rows = excerpt_rows(chroma, e, 1, scratch.rows);
  for (int patch = 0; patch < params.patches; ++patch)
    for (std::int64_t t = 0;
         t < params.frames;) {  // runs up to the song's end, then from its start
      const std::int64_t from = (starts[patch] + t) % e.frames;
      const std::int64_t run = std::min<std::int64_t>(params.frames - t, e.frames - from);
      std::memcpy(out + (std::int64_t{patch} * params.frames + t) * kPitchClasses,
                  rows + from * kPitchClasses, static_cast<std::size_t>(run) * kRow);
      t += run;
    }
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(vary);
HWY_EXPORT(patchwork_song);

// std::nearbyint in the default rounding mode: half goes to even.
static std::int64_t patch_start(std::int64_t frames, PatchworkParams params, int patch) {
  if (params.patches == 1) return 0;
  return static_cast<std::int64_t>(
      std::nearbyint(static_cast<double>(patch) * static_cast<double>(frames - params.frames) /
                     static_cast<double>(params.patches - 1)));
}

void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
               PatchworkParams params, int threads, float* out) {
  std::vector<AugmentScratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    const Excerpt& e = excerpts[i];
    const std::int64_t repeats =
        e.frames <= params.frames + 1 ? (params.frames + 1) / e.frames + 1 : 1;
    std::vector<std::int64_t> starts(params.patches);
    for (int patch = 0; patch < params.patches; ++patch)
      starts[patch] = patch_start(e.frames * repeats, params, patch);
    HWY_DYNAMIC_DISPATCH(patchwork_song)
    (chroma, e, params, starts.data(), scratch[member],
     out + i * params.patches * params.frames * kPitchClasses);
  });
}

void augment(ChromaView chroma, const Take* takes, std::int64_t count, const AugmentParams& params,
             int threads, float* out, Excerpt* out_excerpts) {
  std::vector<AugmentScratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    const std::int64_t first = i * params.crop;
    out_excerpts[i] = HWY_DYNAMIC_DISPATCH(vary)(chroma, takes[i], params, first, scratch[member],
                                                 out + first * kPitchClasses);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
