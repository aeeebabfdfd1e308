// Audio bigrams from chroma to fingerprint, in three kernels:
//   sum_events   the events' sums over time, where events are centred
//   correlate    events of a part of a song, and their correlation matrices on tensor cores
//   mix          parts to a song, windows, pooling, compression, unit length
// Events are computed where they are needed and never written to device memory. A song longer than
// kPartFrames takes several blocks, whose sums are added in order: the result depends neither on
// the other songs of the call nor on the order of blocks.
#include "cooccurrence.cuh"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

// Grid (songs, parts). sums [songs, parts, padded].
__global__ void __launch_bounds__(kBigramThreads)
    sum_events(BigramBatch batch, BigramPlan shape, float* sums) {
  const Excerpt excerpt = batch.excerpts[blockIdx.x];
  const int frames = shape.p.event_frames(excerpt.frames);
  const int begin = blockIdx.y * kPartFrames, end = min(begin + kPartFrames, frames);
  if (begin >= end) return;
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  REPRISE_SHARED(float, scratch, [kBigramThreads]);
  SharedArrays carve{memory};
  EventModel model(carve.take<float>(shape.model_floats()), shape);
  float* x = carve.take<float>(shape.chroma_floats(kTimeTile));
  float* events = carve.take<float>(kTimeTile * shape.stride);

  model.load(shape, batch.weights, [](int) { return 0.f; });
  const ColumnSlices column(shape.padded);
  float sum = 0;
  for (int t = begin; t < end; t += kTimeTile) {
    compute_events<Fp32>(shape, model, batch.chroma, excerpt, t, kTimeTile, x, events);
    if (!column.active()) continue;
    for (int row = column.slice; row < kTimeTile; row += column.slices) {
      sum += events[row * shape.stride + column.n];
    }
  }
  column.finish(
      sum, shape.padded, scratch,
      sums + (static_cast<std::int64_t>(blockIdx.x) * shape.parts + blockIdx.y) * shape.padded);
}

// Grid (songs, parts, lag groups). sums: of sum_events, or null; means [songs, padded];
// correlations [songs, parts, lags, padded, padded].
template <typename Precision>
__global__ void __launch_bounds__(kBigramThreads)
    correlate(BigramBatch batch, BigramPlan shape, const float* sums, float* means,
              float* correlations) {
  using Storage = typename Precision::Storage;
  const Excerpt excerpt = batch.excerpts[blockIdx.x];
  const std::int64_t song = blockIdx.x;
  const int part = blockIdx.y, group = blockIdx.z;
  const int frames = shape.p.event_frames(excerpt.frames);
  const int begin = part * kPartFrames, end = min(begin + kPartFrames, frames);
  if (begin >= end) return;
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  SharedArrays carve{memory};
  EventModel model(carve.take<float>(shape.model_floats()), shape);
  float* x = carve.take<float>(shape.chroma_floats(shape.rows));
  Storage* shifted = carve.take<Storage>(shape.rows * shape.stride);
  Storage* base = carve.take<Storage>(kTimeTile * shape.stride);

  model.load(shape, batch.weights, [&](int n) {
    if (sums == nullptr) return 0.f;
    float total = 0;
    for (int q = 0; q * kPartFrames < frames; ++q) {
      total += sums[(song * shape.parts + q) * shape.padded + n];
    }
    const float mean = total / static_cast<float>(frames);
    if (part == 0 && group == 0) means[song * shape.padded + n] = mean;
    return mean;
  });

  const int first = shape.groups.first[group], last = shape.groups.first[group + 1] - 1;
  const int low = shape.lags.lag[first], high = shape.lags.lag[last];
  CorrelationSums<Precision> tiles(shape, group);
  for (int t = begin; t < end; t += kTimeTile) {
    compute_events<Precision>(shape, model, batch.chroma, excerpt, t + low,
                              round_up(kTimeTile + high - low, 2), x, shifted);
    if (low > 0) {
      compute_events<Precision>(shape, model, batch.chroma, excerpt, t, kTimeTile, x, base);
    }
    tiles.add(shape, group, shifted, low > 0 ? base : shifted);
  }
  float* out =
      correlations + ((song * shape.parts + part) * shape.lags.count + first) * shape.square();
  tiles.for_each([&](const LongTileSums<Precision>& sum, int k, int ib, int jb) {
    sum.store(out + k * shape.square() + ib * kTile * shape.padded + jb * kTile, shape.padded);
  });
}

// Grid (songs). parts [songs, parts, lags, padded, padded], which is `correlations` [songs, lags,
// padded, padded] itself where no song has a second part; out [songs, dims].
__global__ void __launch_bounds__(kBigramThreads, 4)  // 64 registers a thread: no spills
    mix(BigramBatch batch, BigramPlan shape, const float* parts, float* correlations, float* out) {
  REPRISE_DYNAMIC_SHARED(float, windows);
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  const std::int64_t song = blockIdx.x;
  const int frames = shape.p.event_frames(batch.excerpts[song].frames);
  float* c = correlations + song * shape.correlations();
  if (parts != correlations) {
    const float* from = parts + song * shape.parts * shape.correlations();
    for (int at = threadIdx.x; at < shape.correlations(); at += kBigramThreads) {
      float sum = 0;
      for (int q = 0; q * kPartFrames < frames; ++q) sum += from[q * shape.correlations() + at];
      c[at] = sum;
    }
  }
  for (int at = threadIdx.x; at < shape.p.windows * shape.p.taps; at += kBigramThreads) {
    windows[at] = batch.weights[shape.p.window_offset() + at];
  }
  __syncthreads();

  const int n = shape.p.events;
  const float pool = shape.p.pooling == Pooling::mean ? static_cast<float>(frames) : 1.f;
  float* y = out + song * shape.p.dims();
  float square = 0;
  for (int d = threadIdx.x; d < shape.p.dims(); d += kBigramThreads) {
    const float g = mix_lags(shape, c, windows, d / (n * n), d / n % n, d % n) / pool;
    const float value = compress(shape.p.compression, g);
    square += value * value;
    y[d] = value;
  }
  if (!shape.p.unit_norm) return;
  square = block_sum(square, scratch);
  const float length = sqrtf(square);
  for (int d = threadIdx.x; d < shape.p.dims(); d += kBigramThreads) {
    y[d] = square > kSmallestSquare ? y[d] / length : 0.f;
  }
}

template <typename Precision>
void run(const BigramBatch& batch, const BigramParams& p, void* reserve, void* scratch, float* out,
         cudaStream_t stream) {
  const BigramPlan shape = correlation_shape(p, batch.longest, sizeof(typename Precision::Storage),
                                             Precision::kTilesPerWarp);
  const auto songs = static_cast<unsigned>(batch.count);
  const auto parts = static_cast<unsigned>(shape.parts);
  const BigramReserve kept(shape, batch.count, static_cast<float*>(reserve));
  float* sums = nullptr;
  float* correlations = kept.correlations;
  float* rest = static_cast<float*>(scratch);
  if (shape.parts > 1) {
    correlations = rest;
    rest += batch.count * shape.parts * shape.correlations();
  }
  if (p.centre_events) {
    sums = rest;
    const auto bytes = shared_bytes({4 * shape.model_floats(), 4 * shape.chroma_floats(kTimeTile),
                                     4 * kTimeTile * shape.stride});
    launch(
        sum_events,
        {.grid = {songs, parts}, .block = kBigramThreads, .shared_bytes = bytes, .stream = stream},
        batch, shape, sums);
  }
  const int element = sizeof(typename Precision::Storage);
  const auto bytes =
      shared_bytes({4 * shape.model_floats(), 4 * shape.chroma_floats(shape.rows),
                    element * shape.rows * shape.stride, element * kTimeTile * shape.stride});
  launch(correlate<Precision>,
         {.grid = {songs, parts, static_cast<unsigned>(shape.groups.count)},
          .block = kBigramThreads,
          .shared_bytes = bytes,
          .stream = stream},
         batch, shape, sums, kept.means, correlations);
  launch(mix,
         {.grid = songs,
          .block = kBigramThreads,
          .shared_bytes = sizeof(float) * p.windows * p.taps,
          .stream = stream},
         batch, shape, correlations, kept.correlations, out);
}

}  // namespace

std::size_t bigram_reserve_bytes(const BigramParams& params, std::int64_t count) {
  const BigramPlan shape = gradient_shape(params, 1);
  return sizeof(float) * static_cast<std::size_t>(BigramReserve::floats(shape, count));
}

std::size_t bigram_forward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                         std::int64_t longest) {
  const BigramPlan shape = gradient_shape(params, longest);
  const std::int64_t part = (shape.parts > 1 ? shape.correlations() : 0) + shape.padded;
  return sizeof(float) * static_cast<std::size_t>(count * shape.parts * part);
}

void bigram_forward(const ops::BigramForward& op, MathMode math, void* scratch,
                    cudaStream_t stream) {
  if (op.songs.count == 0) return;
  const auto run_it = math == MathMode::fp32   ? run<Fp32>
                      : math == MathMode::tf32 ? run<Tf32>
                                               : run<Bf16>;
  run_it({op.songs, op.weights}, op.params, op.reserve, scratch, op.out, stream);
}

}  // namespace reprise::kernels
