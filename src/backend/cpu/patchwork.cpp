// The fixed-length input of the 2016 experiment.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/patchwork.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/excerpt_rows-inl.h"
// clang-format on

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// out [patches * frames, 12 * bands].
void patchwork_song(ChromaView chroma, const Excerpt& e, const PatchworkParams& params,
                    const std::int64_t* starts, Floats& scratch, float* out) {
  const std::int64_t width = chroma.width();
  const float* rows = excerpt_rows(chroma, e, 1, scratch);
  for (int patch = 0; patch < params.patches; ++patch)
    for (std::int64_t t = 0;
         t < params.frames;) {  // runs up to the song's end, then from its start
      const std::int64_t from = (starts[patch] + t) % e.frames;
      const std::int64_t run = std::min<std::int64_t>(params.frames - t, e.frames - from);
      std::memcpy(out + (std::int64_t{patch} * params.frames + t) * width, rows + from * width,
                  static_cast<std::size_t>(run * width) * sizeof(float));
      t += run;
    }
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(patchwork_song);

// std::nearbyint in the default rounding mode: half goes to even.
static std::int64_t patch_start(std::int64_t frames, PatchworkParams params, int patch) {
  if (params.patches == 1) return 0;
  return static_cast<std::int64_t>(
      std::nearbyint(static_cast<double>(patch) * static_cast<double>(frames - params.frames) /
                     static_cast<double>(params.patches - 1)));
}

void run(const ops::Patchwork& op, const Context& context) {
  const PatchworkParams& params = op.params;
  std::vector<Floats> scratch(context.threads);
  parallel_for(op.songs.count, context.threads, [&](std::int64_t i, int member) {
    const Excerpt& e = op.songs.excerpts[i];
    const std::int64_t repeats =
        e.frames <= params.frames + 1 ? (params.frames + 1) / e.frames + 1 : 1;
    std::vector<std::int64_t> starts(params.patches);
    for (int patch = 0; patch < params.patches; ++patch)
      starts[patch] = patch_start(e.frames * repeats, params, patch);
    HWY_DYNAMIC_DISPATCH(patchwork_song)
    (op.songs.chroma, e, params, starts.data(), scratch[member],
     op.out + i * params.patches * params.frames * op.songs.chroma.width());
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
