// Random variation of excerpts in training, a block for each. Random numbers are counted, so that
// every thread finds its own: the result is that of a loop which draws them one after another.
#include <reprise/augment.h>

#include "device.h"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpThreads;

/// Whether source frame t stays; `random` stands at the draw of frame 0.
__device__ bool stays(Random random, float drop, int t) {
  random.skip(static_cast<std::uint64_t>(t));
  return random.uniform() >= drop;
}

/// Numbers [count] of those source frames that are the first-th to (first + count - 1)-th to stay.
/// Called by the whole block, and ends with a barrier.
__device__ void list_frames(const Random& random, float drop, int frames, std::int64_t first,
                            int count, std::int32_t* list) {
  REPRISE_SHARED(int, stayed, [kWarps]);  // in each warp's frames
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  std::int64_t before = 0;
  for (int base = 0; base < frames && before < first + count; base += kThreads) {
    const int t = base + static_cast<int>(threadIdx.x);
    const bool stay = t < frames && stays(random, drop, t);
    const unsigned votes = __ballot_sync(kAllLanes, stay);
    if (lane == 0) stayed[warp] = __popc(votes);
    __syncthreads();
    std::int64_t rank = before + __popc(votes & ((1u << lane) - 1));
    for (int w = 0; w < kWarps; ++w) {
      if (w < warp) rank += stayed[w];
      before += stayed[w];
    }
    if (stay && rank >= first && rank < first + count) list[rank - first] = t;
    __syncthreads();  // `stayed` is written next, and `list` is read
  }
}

// Grid (takes). lists [takes, listed]; out [takes, crop, 12 * bands].
__global__ void __launch_bounds__(kThreads)
    vary(ChromaView chroma, const TrainingExcerpt* excerpts, AugmentParams p, int listed,
         std::int32_t* lists, float* out, Excerpt* out_excerpts) {
  REPRISE_SHARED(int, partial, [kWarpThreads]);
  const TrainingExcerpt take = excerpts[blockIdx.x];
  const Excerpt& e = take.excerpt;
  Random random(take.seed);
  const AugmentationDraw v(p, random);

  std::int64_t source = e.frames;
  const Random frame_draws = random;
  if (v.drop > 0) {
    int count = 0;
    for (int t = threadIdx.x; t < e.frames; t += kThreads) {
      count += stays(frame_draws, v.drop, t) ? 1 : 0;
    }
    source = max(1, block_sum(count, partial));  // where none stays, the first is taken
    random.skip(static_cast<std::uint64_t>(e.frames));
  }
  const Crop crop(source, v.stretch, p.crop, random);
  const auto first = static_cast<std::int64_t>(crop.time(0, v.stretch, source));
  std::int32_t* list = lists + static_cast<std::int64_t>(blockIdx.x) * listed;
  if (v.drop > 0) {
    if (threadIdx.x == 0) list[0] = 0;
    list_frames(frame_draws, v.drop, e.frames, first, listed, list);
  }

  const std::int64_t out_first = static_cast<std::int64_t>(blockIdx.x) * p.crop;
  const int width = chroma.width(), values = static_cast<int>(crop.frames) * width;
  for (int at = threadIdx.x; at < values; at += kThreads) {
    const int t = at / width, column = at % width;
    const float time = crop.time(t, v.stretch, source);
    const auto before = static_cast<std::int64_t>(time);
    const std::int64_t after = before + 1 < source ? before + 1 : before;
    const float share = time - static_cast<float>(before);
    const float v0 = chroma.at(e.first + (v.drop > 0 ? list[before - first] : before), column);
    const float v1 = chroma.at(e.first + (v.drop > 0 ? list[after - first] : after), column);
    float value = v0 + share * (v1 - v0);
    if (v.powered) value = powf(value, v.power);
    if (v.deviation > 0) {
      Random noise = random;
      noise.skip(2 * static_cast<std::uint64_t>(at));
      value = fmaxf(0.f, value + v.deviation * noise.normal());
    }
    const bool over = column % kPitchClasses + e.roll >= kPitchClasses;
    const int rolled = over ? e.roll - kPitchClasses : e.roll;
    out[out_first * width + at + rolled] = value;
  }
  if (threadIdx.x == 0) {
    out_excerpts[blockIdx.x] = {out_first, static_cast<std::int32_t>(crop.frames), 0};
  }
}

/// Source frames that the longest result spans, with both ends and rounding.
int listed_frames(const AugmentParams& params) {
  return static_cast<int>(static_cast<float>(params.crop) / params.stretch_low) + 4;
}

}  // namespace

std::size_t augment_scratch_bytes(const AugmentParams& params, std::int64_t count) {
  if (params.drop <= 0) return 0;
  return sizeof(std::int32_t) * static_cast<std::size_t>(count * listed_frames(params));
}

void augment(const ops::Augment& op, void* scratch, cudaStream_t stream) {
  if (op.count == 0) return;
  launch(vary, {.grid = static_cast<unsigned>(op.count), .block = kThreads, .stream = stream},
         op.chroma, op.excerpts, op.params, listed_frames(op.params),
         static_cast<std::int32_t*>(scratch), op.out, op.out_excerpts);
}

}  // namespace reprise::kernels
