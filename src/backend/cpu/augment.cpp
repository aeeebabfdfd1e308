// Random variation of training excerpts in time, level and noise. Noise is a normal number for each
// value, so drawing it is most of the work: a vector of draws at a time, the same that Random makes
// one after another.

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
#include <numeric>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"
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

// Random's hash, its upper 24 bits.
HWY_INLINE hn::Vec<U64> draw(hn::Vec<U64> x) {
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<30>(x)), hn::Set(kU64, Random::kMix[0]));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<27>(x)), hn::Set(kU64, Random::kMix[1]));
  return hn::ShiftRight<40>(hn::Xor(x, hn::ShiftRight<31>(x)));
}

// Draws of a Random, kLanes at a time.
class Draws {
 public:
  explicit Draws(const Random& random)
      : state_(hn::Add(hn::Set(kU64, random.state()),
                       hn::Mul(hn::Iota(kU64, 0), hn::Set(kU64, 2 * Random::kStep)))) {}

  HWY_INLINE hn::Vec<F32> uniform() {
    const auto first = draw(hn::Add(state_, hn::Set(kU64, Random::kStep)));
    const auto second = draw(hn::Add(state_, hn::Set(kU64, 2 * Random::kStep)));
    state_ = hn::Add(state_, hn::Set(kU64, kLanes * Random::kStep));
    const hn::Repartition<std::int32_t, F32> i32;
    const auto bits = hn::BitCast(i32, hn::Or(first, hn::ShiftLeft<32>(second)));
    return hn::Mul(hn::ConvertTo(kF32, bits), hn::Set(kF32, 0x1p-24f));
  }

  // Normal numbers, of two draws each (Box & Muller 1958).
  HWY_INLINE hn::Vec<F32> normal() {
    const auto low = uniform(), high = uniform();
    const auto u = hn::ConcatEven(kF32, high, low), turn = hn::ConcatOdd(kF32, high, low);
    const auto log = hn::Log(kF32, hn::Sub(hn::Set(kF32, 1.0f), u));
    return hn::Mul(hn::Sqrt(hn::Mul(hn::Set(kF32, -2.0f), log)), cosine(turn));
  }

 private:
  // cos(2 pi turn) for a turn from 0 to 1, within 2e-7: sin(2 pi q), q the distance of the turn
  // from the half less a quarter, by the polynomial whose largest error is least.
  static HWY_INLINE hn::Vec<F32> cosine(hn::Vec<F32> turn) {
    const auto set = [](float value) HWY_ATTR { return hn::Set(kF32, value); };
    const auto q = hn::Sub(hn::Abs(hn::Sub(turn, set(0.5f))), set(0.25f));
    const auto square = hn::Mul(q, q);
    auto p = hn::MulAdd(square, set(39.5367012f), set(-76.5497818f));
    p = hn::MulAdd(square, p, set(81.6010056f));
    p = hn::MulAdd(square, p, set(-41.3416557f));
    p = hn::MulAdd(square, p, set(6.28318501f));
    return hn::Mul(q, p);
  }

  hn::Vec<U64> state_;  // before each second draw
};
#endif

// Which of `frames` source frames are not dropped, at least one. Returns their number.
std::int64_t keep_frames(std::int32_t frames, float drop, Random& random,
                         std::vector<std::int32_t>& kept) {
  kept.resize(static_cast<std::size_t>(frames) + kLanes);
  std::int64_t count = 0;
  if (drop == 0) {
    std::iota(kept.begin(), kept.end(), 0);
    return frames;
  }
#if HWY_TARGET == HWY_SCALAR
  for (std::int32_t t = 0; t < frames; ++t)
    if (random.uniform() >= drop) kept[count++] = t;
#else
  const hn::Repartition<std::int32_t, F32> i32;
  Draws draws(random);
  for (std::int32_t t = 0; t < frames; t += kLanes) {
    const auto inside = hn::FirstN(kF32, static_cast<std::size_t>(frames - t));
    const auto stays = hn::And(inside, hn::Ge(draws.uniform(), hn::Set(kF32, drop)));
    count += static_cast<std::int64_t>(
        hn::CompressStore(hn::Iota(i32, t), hn::RebindMask(i32, stays), i32, kept.data() + count));
  }
  random.skip(static_cast<std::uint64_t>(frames));
#endif
  if (count == 0) kept[count++] = 0;
  return count;
}

// values[i] = max(0, values[i] ^ power + deviation * normal).
void vary_values(float* HWY_RESTRICT values, std::int64_t count, const AugmentationDraw& variation,
                 Random random) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t i = 0; i < count; ++i) {
    if (variation.powered) values[i] = std::pow(values[i], variation.power);
    if (variation.deviation > 0)
      values[i] = std::max(0.0f, values[i] + variation.deviation * random.normal());
  }
#else
  const auto zero = hn::Zero(kF32);
  Draws draws(random);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    auto v = hn::LoadU(kF32, values + i);
    if (variation.powered) v = raise(kF32, v, variation.power);
    if (variation.deviation > 0)
      v = hn::Max(zero, hn::MulAdd(hn::Set(kF32, variation.deviation), draws.normal(), v));
    hn::StoreU(v, kF32, values + i);
  }
#endif
}

// One excerpt: which source frames (dropped, stretched and cropped), then values.
Excerpt vary(ChromaView chroma, const TrainingExcerpt& excerpt, const AugmentParams& p,
             std::int64_t out_first, AugmentScratch& scratch, float* out) {
  Random random(excerpt.seed);
  const Excerpt& e = excerpt.excerpt;
  const AugmentationDraw v(p, random);
  const std::int64_t source = keep_frames(e.frames, v.drop, random, scratch.kept);
  const Crop crop(source, v.stretch, p.crop, random);

  // Only the frames that the crop shows are read.
  const auto after = [&](std::int64_t before) { return std::min(before + 1, source - 1); };
  const auto time = [&](std::int64_t t) { return crop.time(t, v.stretch, source); };
  const std::int32_t* kept = scratch.kept.data();
  const std::int32_t first = kept[static_cast<std::int64_t>(time(0))];
  const std::int32_t last = kept[after(static_cast<std::int64_t>(time(crop.frames - 1)))];
  const float* rows = excerpt_rows(chroma, {e.first + first, last - first + 1, 0}, 1, scratch.rows);
  const std::int64_t width = chroma.width();
  float* values = scratch.values.resize(crop.frames * width);
  const hn::CappedTag<float, 4> four;
  for (std::int64_t t = 0; t < crop.frames; ++t) {
    const float at = time(t);
    const auto before = static_cast<std::int64_t>(at);
    const float share = at - static_cast<float>(before);
    const float* HWY_RESTRICT v0 = rows + (kept[before] - first) * width;
    const float* HWY_RESTRICT v1 = rows + (kept[after(before)] - first) * width;
    float* HWY_RESTRICT value = values + t * width;
    for (std::int64_t c = 0; c < width; c += static_cast<std::int64_t>(hn::Lanes(four))) {
      const auto low = hn::LoadU(four, v0 + c), high = hn::LoadU(four, v1 + c);
      hn::StoreU(hn::MulAdd(hn::Set(four, share), hn::Sub(high, low), low), four, value + c);
    }
  }
  if (v.powered || v.deviation > 0) vary_values(values, crop.frames * width, v, random);
  roll_rows(values, crop.frames * chroma.bands, e.roll, out);
  return {out_first, static_cast<std::int32_t>(crop.frames), 0};
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(vary);

void run(const ops::Augment& op, const Context& context) {
  std::vector<AugmentScratch> scratch(context.threads);
  parallel_for(op.count, context.threads, [&](std::int64_t i, int member) {
    const std::int64_t first = i * op.params.crop;
    op.out_excerpts[i] =
        HWY_DYNAMIC_DISPATCH(vary)(op.chroma, op.excerpts[i], op.params, first, scratch[member],
                                   op.out + first * op.chroma.width());
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
