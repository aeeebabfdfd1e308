// The 2016 experiment's fixed-length input: patches of a song at even distances (PatchworkParams).
#include "device.h"
#include "launch.h"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;

// round-half-even(patch (frames - length) / (patches - 1)).
__device__ std::int64_t patch_start(std::int64_t frames, const PatchworkParams& p, int patch) {
  if (p.patches == 1) return 0;
  const std::int64_t divisor = p.patches - 1, product = patch * (frames - p.frames);
  const std::int64_t whole = product / divisor, twice = 2 * (product % divisor);
  return whole + (twice > divisor || (twice == divisor && whole % 2 == 1) ? 1 : 0);
}

// Grid (songs, patches, bands). out [songs, patches, frames, 12 * bands].
__global__ void __launch_bounds__(kThreads)
    cut_patches(ChromaView chroma, const Excerpt* excerpts, PatchworkParams p, float* out) {
  const Excerpt e = excerpts[blockIdx.x];
  const int patch = blockIdx.y;
  const std::int64_t repeats = e.frames <= p.frames + 1 ? (p.frames + 1) / e.frames + 1 : 1;
  const std::int64_t start = patch_start(e.frames * repeats, p, patch);
  const int width = gridDim.z * kPitchClasses, low = blockIdx.z * kPitchClasses;
  float* to = out + (std::int64_t{blockIdx.x} * p.patches + patch) * p.frames * width + low;
  for (int at = threadIdx.x; at < p.frames * kPitchClasses; at += kThreads) {
    const int t = at / kPitchClasses, c = at % kPitchClasses;
    const int source = c < e.roll ? c - e.roll + kPitchClasses : c - e.roll;
    to[t * width + c] = chroma.at(e.first + (start + t) % e.frames, low + source);
  }
}

}  // namespace

void patchwork(const ops::Patchwork& op, cudaStream_t stream) {
  if (op.songs.count == 0) return;
  launch(cut_patches,
         {.grid = {static_cast<unsigned>(op.songs.count), static_cast<unsigned>(op.params.patches),
                   static_cast<unsigned>(op.songs.chroma.bands)},
          .block = kThreads,
          .stream = stream},
         op.songs.chroma, op.songs.excerpts, op.params, op.out);
}

}  // namespace reprise::kernels
