// Training's excerpts: the 2016 patchwork, and random variation of time, level and noise.

#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"
#include "reprise/augment.h"

namespace reprise::cpu {
namespace {

void copy_frame(ChromaView chroma, std::int64_t frame, int roll, float* to) {
  for (int c = 0; c < kPitchClasses; ++c) to[(c + roll) % kPitchClasses] = chroma.at(frame, c);
}

// std::nearbyint in the default rounding mode: half goes to even.
std::int64_t patch_start(std::int64_t frames, PatchworkParams params, int patch) {
  if (params.patches == 1) return 0;
  return static_cast<std::int64_t>(
      std::nearbyint(static_cast<double>(patch) * static_cast<double>(frames - params.frames) /
                     static_cast<double>(params.patches - 1)));
}

// One take: which source frames (dropped, stretched and cropped), then values.
Excerpt vary(ChromaView chroma, const Take& take, const AugmentParams& p, std::int64_t out_first,
             std::vector<std::int32_t>& kept, float* out) {
  Random random(take.seed);
  const Excerpt& e = take.excerpt;
  const Variation v(p, random);
  kept.clear();
  for (std::int32_t t = 0; t < e.frames; ++t)
    if (v.drop == 0 || random.uniform() >= v.drop) kept.push_back(t);
  if (kept.empty()) kept.push_back(0);
  const auto source = static_cast<std::int64_t>(kept.size());
  const Crop crop(source, v.stretch, p.crop, random);

  for (std::int64_t t = 0; t < crop.frames; ++t) {
    const float at = crop.time(t, v.stretch, source);
    const auto before = static_cast<std::int64_t>(at);
    const std::int64_t after = std::min(before + 1, source - 1);
    const float share = at - static_cast<float>(before);
    for (int c = 0; c < kPitchClasses; ++c) {
      const float v0 = chroma.at(e.first + kept[before], c);
      const float v1 = chroma.at(e.first + kept[after], c);
      float value = v0 + share * (v1 - v0);
      if (v.powered) value = std::pow(value, v.power);
      if (v.deviation > 0) value = std::max(0.0f, value + v.deviation * random.normal());
      out[t * kPitchClasses + (c + e.roll) % kPitchClasses] = value;
    }
  }
  return {out_first, static_cast<std::int32_t>(crop.frames), 0};
}

}  // namespace

void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
               PatchworkParams params, int threads, float* out) {
  parallel_for(count, threads, [&](std::int64_t i, int) {
    const Excerpt& e = excerpts[i];
    const std::int64_t repeats =
        e.frames <= params.frames + 1 ? (params.frames + 1) / e.frames + 1 : 1;
    const std::int64_t frames = e.frames * repeats;
    float* to = out + i * params.patches * params.frames * kPitchClasses;
    for (int patch = 0; patch < params.patches; ++patch) {
      const std::int64_t start = patch_start(frames, params, patch);
      for (int t = 0; t < params.frames; ++t, to += kPitchClasses)
        copy_frame(chroma, e.first + (start + t) % e.frames, e.roll, to);
    }
  });
}

void augment(ChromaView chroma, const Take* takes, std::int64_t count, const AugmentParams& params,
             int threads, float* out, Excerpt* out_excerpts) {
  std::vector<std::vector<std::int32_t>> kept(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    const std::int64_t first = i * params.crop;
    out_excerpts[i] =
        vary(chroma, takes[i], params, first, kept[member], out + first * kPitchClasses);
  });
}

}  // namespace reprise::cpu
