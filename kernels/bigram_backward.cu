// Gradients of the audio bigrams with respect to event filters, biases and windows, in three
// kernels:
//   unmix            from the fingerprint's gradient to those of windows and correlation matrices
//   event_gradient   events once more, their gradients, and the products with chroma
//   sum_gradients    parts and songs, in order, to one gradient
// The gradient of the events has the form of the forward: with D_k the gradient of C_k,
//   dE[t,i] = sum_k sum_j D_k[i,j] E[t-k,j] + D_k[j,i] E[t+k,j]
// is a product of shifted events with small matrices. Subtracting the mean over time from the
// events subtracts it from their gradient, too: with the mask A of events above zero and m the mean
// of dE,
//   d filter = sum_t A dE x - m sum_t A x,
// so that both sums are taken in the one pass over the song, and joined at the end.
#include "cooccurrence.cuh"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

/// Arrays of the scratch memory. The first two start at multiples of 32 bytes.
struct GradientScratch {
  float* correlations;  // [songs, lags, padded, padded]: D_k, rounded for the product
  float* parts;         // [songs, parts, part_floats]
  float* mixed;         // [songs, dims]: gradient of the pooled bigrams
  float* windows;       // [songs, F, L]

  GradientScratch(const BigramPlan& shape, std::int64_t songs, float* memory)
      : correlations(memory),
        parts(correlations + songs * shape.correlations()),
        mixed(parts + songs * shape.parts * part_floats(shape)),
        windows(mixed + songs * shape.p.dims()) {}

  /// Columns of a filter's gradient, as whole tiles.
  static REPRISE_HOST_DEVICE int columns(const BigramPlan& shape) {
    return round_up(shape.filter_rows(), kTile);
  }
  static REPRISE_HOST_DEVICE int tiles(const BigramPlan& shape) {
    return columns(shape) * shape.padded / (kTile * kTile);
  }
  /// A part: sums over time of A dE x and of A x [2, padded, columns], and of A dE, A and dE
  /// [3, padded].
  static REPRISE_HOST_DEVICE int part_floats(const BigramPlan& shape) {
    return (2 * columns(shape) + 3) * shape.padded;
  }
  static std::int64_t floats(const BigramPlan& shape, std::int64_t songs) {
    return songs * (shape.correlations() + shape.parts * std::int64_t{part_floats(shape)} +
                    shape.p.dims() + shape.p.windows * shape.p.taps);
  }
};

// Grid (songs). correlations [songs, lags, padded, padded]; out_gradient [songs, dims].
template <typename Precision>
__global__ void __launch_bounds__(kBigramThreads)
    unmix(BigramBatch batch, BigramPlan shape, const float* correlations, const float* out_gradient,
          GradientScratch scratch) {
  REPRISE_DYNAMIC_SHARED(float, windows);
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  const std::int64_t song = blockIdx.x;
  const BigramParams& p = shape.p;
  const int n = p.events, dims = p.dims(), thread = threadIdx.x;
  const float frames = static_cast<float>(p.event_frames(batch.excerpts[song].frames));
  const float pool = p.pooling == Pooling::mean ? frames : 1.f;
  const float* c = correlations + song * shape.correlations();
  const float* dout = out_gradient + song * dims;
  float* dm = scratch.mixed + song * dims;

  for (int at = thread; at < p.windows * p.taps; at += kBigramThreads) {
    windows[at] = batch.weights[p.window_offset() + at];
  }
  __syncthreads();
  float square = 0, along = 0;
  for (int d = thread; d < dims; d += kBigramThreads) {
    const float g = mix_lags(shape, c, windows, d / (n * n), d / n % n, d % n) / pool;
    const float y = compress(p.compression, g);
    square += y * y;
    along += y * dout[d];
    dm[d] = g;
  }
  if (p.unit_norm) {
    square = block_sum(square, partial);
    along = block_sum(along, partial);
  }
  for (int d = thread; d < dims; d += kBigramThreads) {
    const float g = dm[d];
    float dy = dout[d];
    if (p.unit_norm) {
      const float y = compress(p.compression, g);
      dy = square > kSmallestSquare ? (dy - y * along / square) / sqrtf(square) : 0.f;
    }
    dm[d] = dy * compress_slope(p.compression, g) / pool;
  }
  __syncthreads();

  // Windows: one warp for each of the F * L values.
  float* dw = scratch.windows + song * p.windows * p.taps;
  for (int at = thread / kWarpThreads; at < p.windows * p.taps; at += kBigramWarps) {
    const int f = at / p.taps, l = at % p.taps;
    const float* tap = c + shape.lags.of_tap[l] * shape.square();
    const int across = p.lags[l] >= 0 ? shape.padded : 1, down = p.lags[l] >= 0 ? 1 : shape.padded;
    float sum = 0;
    for (int pair = thread % kWarpThreads; pair < n * n; pair += kWarpThreads) {
      sum += dm[f * n * n + pair] * tap[pair / n * across + pair % n * down];
    }
    sum = warp_sum(sum);
    if (thread % kWarpThreads == 0) dw[at] = sum;
  }
  // Correlation matrices: a lag has one tap, or two of opposite sign.
  float* dc = scratch.correlations + song * shape.correlations();
  for (int at = thread; at < shape.correlations(); at += kBigramThreads) {
    const int k = at / shape.square(), i = at / shape.padded % shape.padded, j = at % shape.padded;
    float sum = 0;
    for (int l = 0; l < p.taps && i < n && j < n; ++l) {
      if (shape.lags.of_tap[l] != k) continue;
      const int pair = p.lags[l] >= 0 ? i * n + j : j * n + i;
      for (int f = 0; f < p.windows; ++f) sum += windows[f * p.taps + l] * dm[f * n * n + pair];
    }
    dc[at] = Precision::round(sum);
  }
}

/// The tiles of sum_t tile[t,n] x[t,column] that one warp sums. Filters of more tiles than a block
/// holds are shared among several, blockIdx.z of which is this one.
template <typename Precision, int kTiles>
struct FilterSums {
  TileSums<Precision> sums[kTiles];

  __device__ FilterSums() {
    for (auto& sum : sums) sum.clear();
  }

  template <typename Use>
  __device__ void for_each(const BigramPlan& shape, Use use) {
    const int side = shape.padded / kTile, columns = GradientScratch::columns(shape) / kTile;
#pragma unroll
    for (int s = 0; s < kTiles; ++s) {
      const int q = threadIdx.x / kWarpThreads + (blockIdx.z * kTiles + s) * kBigramWarps;
      if (q < side * columns) use(sums[s], q % side, q / side);
    }
  }

  /// tile [kTimeTile, stride], x [kTimeTile + length - 1, width]: row t of x runs on into the next
  /// rows, and so holds all the frames that a filter spans.
  __device__ void add(const BigramPlan& shape, const float* tile, const float* x) {
    const int width = shape.p.width();
    for (int t = 0; t < kTimeTile; t += Precision::kDepth) {
      for_each(shape, [&](TileSums<Precision>& sum, int row, int column) {
        LeftTile<Precision, ByColumns> left;
        RightTile<Precision, ByRows> right;
        left.load(tile + t * shape.stride + row * kTile, shape.stride);
        right.load(x + t * width + column * kTile, width);
        sum.add_product(left, right);
      });
    }
  }

  __device__ void store(const BigramPlan& shape, float* out) {
    const int columns = GradientScratch::columns(shape);
    for_each(shape, [&](const TileSums<Precision>& sum, int row, int column) {
      sum.store(out + row * kTile * columns + column * kTile, columns);
    });
  }
};

/// The tiles of dE [kTimeTile, padded] that one warp sums.
template <typename Precision>
struct EventGradient {
  static constexpr int kRows = kTimeTile / kTile;
  static constexpr int kTiles = kRows * kMaxEvents / kTile / kBigramWarps;
  TileSums<Precision> sums[kTiles];

  __device__ EventGradient() {
    for (auto& sum : sums) sum.clear();
  }

  template <typename Use>
  __device__ void for_each(const BigramPlan& shape, Use use) {
#pragma unroll
    for (int s = 0; s < kTiles; ++s) {
      const int q = threadIdx.x / kWarpThreads + s * kBigramWarps;
      if (q < kRows * shape.padded / kTile) use(sums[s], q % kRows * kTile, q / kRows * kTile);
    }
  }

  /// Adds the product of events [kTimeTile, stride] with d [padded, padded] read in `Layout`.
  template <typename Layout>
  __device__ void add(const BigramPlan& shape, const float* events, const float* d) {
    const bool by_rows = std::is_same_v<Layout, ByRows>;
    for (int j = 0; j < shape.padded; j += Precision::kDepth) {
      for_each(shape, [&](TileSums<Precision>& sum, int t, int i) {
        LeftTile<Precision, ByRows> left;
        RightTile<Precision, Layout> right;
        left.load(events + t * shape.stride + j, shape.stride);
        right.load(d + (by_rows ? j * shape.padded + i : i * shape.padded + j), shape.padded);
        sum.add_product(left, right);
      });
    }
  }
};

// Grid (songs, parts, tiles of filters / tiles of a block). means [songs, padded].
template <typename Precision, int kTiles>
__global__ void __launch_bounds__(kBigramThreads, 1)  // one block's registers rather than spills
    event_gradient(BigramBatch batch, BigramPlan shape, const float* means, GradientScratch scratch,
                   float* events_gradient) {
  const Excerpt excerpt = batch.excerpts[blockIdx.x];
  const std::int64_t song = blockIdx.x;
  const int frames = shape.p.event_frames(excerpt.frames);
  const int begin = blockIdx.y * kPartFrames, end = min(begin + kPartFrames, frames);
  if (begin >= end) return;
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  REPRISE_SHARED(float, slices, [kBigramThreads]);
  SharedArrays carve{memory};
  EventModel model(carve.take<float>(shape.model_floats()), shape);
  float* x = carve.take<float>(shape.chroma_floats(shape.rows));
  float* events = carve.take<float>(shape.rows * shape.stride);
  float* base_x = carve.take<float>(shape.chroma_floats(kTimeTile));
  float* tile = carve.take<float>(kTimeTile * shape.stride);

  const bool centre = shape.p.centre_events;
  model.load(shape, batch.weights,
             [&](int n) { return centre ? means[song * shape.padded + n] : 0.f; });
  const float* dc = scratch.correlations + song * shape.correlations();
  const ColumnSlices column(shape.padded);
  FilterSums<Precision, kTiles> weighted, counted;
  float sum_weighted = 0, sum_counted = 0, sum_all = 0;

  const bool given = shape.p.given_events;
  for (int t = begin; t < end; t += kTimeTile) {
    // Which events pass a gradient on.
    __syncthreads();
    if (!given) load_chroma(batch.chroma, excerpt, t, kTimeTile + shape.p.event_length - 1, base_x);
    const int loaded = given ? 0 : shape.chroma_floats(kTimeTile) - kTile;
    for (int at = loaded + threadIdx.x; at < shape.chroma_floats(kTimeTile); at += kBigramThreads) {
      base_x[at] = 0;
    }
    __syncthreads();
    for_each_event(shape, model, base_x, kTimeTile, [&](int row, int n, float event) {
      const bool passes = shape.p.activation == Activation::none || event > 0;
      tile[row * shape.stride + n] = t + row < frames && passes ? 1.f : 0.f;
    });
    __syncthreads();
    for (int at = threadIdx.x; at < shape.chroma_floats(kTimeTile); at += kBigramThreads) {
      base_x[at] = Precision::round(base_x[at]);
    }
    std::uint32_t above = 0;  // a bit for each row of this thread's column slice
    for (int row = column.slice, at = 0; column.active() && row < kTimeTile;
         row += column.slices, ++at) {
      const bool yes = tile[row * shape.stride + column.n] > 0;
      above |= static_cast<std::uint32_t>(yes) << at;
      sum_counted += yes ? 1.f : 0.f;
    }
    __syncthreads();
    if (centre) counted.add(shape, tile, base_x);

    EventGradient<Precision> gradient;
    for (int group = 0; group < shape.groups.count; ++group) {
      const int first = shape.groups.first[group], past = shape.groups.first[group + 1];
      const int low = shape.lags.lag[first], high = shape.lags.lag[past - 1];
      const int rows = round_up(kTimeTile + high - low, 2);
      compute_events<Precision>(shape, model, batch.chroma, excerpt, t - high, rows, x, events);
      for (int k = first; k < past; ++k) {
        gradient.template add<ByColumns>(shape, events + (high - shape.lags.lag[k]) * shape.stride,
                                         dc + k * shape.square());
      }
      compute_events<Precision>(shape, model, batch.chroma, excerpt, t + low, rows, x, events);
      for (int k = first; k < past; ++k) {
        gradient.template add<ByRows>(shape, events + (shape.lags.lag[k] - low) * shape.stride,
                                      dc + k * shape.square());
      }
    }
    // compute_events has a barrier: nobody reads the mask in `tile` any more.
    gradient.for_each(shape, [&](const TileSums<Precision>& sum, int row, int n) {
      sum.store(tile + row * shape.stride + n, shape.stride);
    });
    __syncthreads();
    for (int row = column.slice, at = 0; column.active() && row < kTimeTile;
         row += column.slices, ++at) {
      float& cell = tile[row * shape.stride + column.n];
      const float all = t + row < frames ? cell : 0.f;
      const float masked = above >> at & 1 ? all : 0.f;
      sum_all += all;
      sum_weighted += masked;
      if (given && t + row < frames && column.n < shape.p.events) {
        events_gradient[(excerpt.first + t + row) * shape.p.events + column.n] = all;
      }
      cell = Precision::round(masked);
    }
    __syncthreads();
    if (!given) weighted.add(shape, tile, base_x);
  }

  float* out = scratch.parts + (song * shape.parts + blockIdx.y) *
                                   static_cast<std::int64_t>(GradientScratch::part_floats(shape));
  const int filters = GradientScratch::columns(shape) * shape.padded;
  weighted.store(shape, out);
  counted.store(shape, out + filters);
  if (blockIdx.z > 0) return;
  float* sums = out + 2 * filters;
  column.finish(sum_weighted, shape.padded, slices, sums);
  column.finish(sum_counted, shape.padded, slices, sums + shape.padded);
  column.finish(sum_all, shape.padded, slices, sums + 2 * shape.padded);
}

// One thread for each weight. gradient [weights].
__global__ void __launch_bounds__(kBigramThreads)
    sum_gradients(BigramBatch batch, BigramPlan shape, GradientScratch scratch, float* gradient) {
  const BigramParams& p = shape.p;
  const int at = blockIdx.x * kBigramThreads + threadIdx.x;
  if (at >= p.weights()) return;
  float total = 0;
  if (at >= p.window_offset()) {
    const int window = at - p.window_offset(), windows = p.windows * p.taps;
    for (std::int64_t s = 0; s < batch.count; ++s) total += scratch.windows[s * windows + window];
    gradient[at] = total;
    return;
  }
  // A filter's value is at (n, column) of the products; a bias in the sums behind them.
  const int columns = GradientScratch::columns(shape), filters = columns * shape.padded;
  const bool is_bias = at >= p.bias_offset();
  const int n = is_bias ? at - p.bias_offset() : at / shape.filter_rows();
  const int weighted = is_bias ? 2 * filters + n : n * columns + at % shape.filter_rows();
  const int counted = is_bias ? weighted + shape.padded : weighted + filters;
  for (std::int64_t s = 0; s < batch.count; ++s) {
    const int frames = p.event_frames(batch.excerpts[s].frames);
    const float* part =
        scratch.parts + s * shape.parts * std::int64_t{GradientScratch::part_floats(shape)};
    float with = 0, count = 0, all = 0;
    for (int q = 0; q * kPartFrames < frames; ++q, part += GradientScratch::part_floats(shape)) {
      with += part[weighted];
      count += part[counted];
      all += part[2 * filters + 2 * shape.padded + n];
    }
    total += p.centre_events ? with - all / static_cast<float>(frames) * count : with;
  }
  gradient[at] = total;
}

template <typename Precision, int kTiles>
void run(const BigramBatch& batch, const BigramPlan& shape, const float* out_gradient,
         const BigramReserve& kept, const GradientScratch& scratch, float* gradient,
         float* events_gradient, cudaStream_t stream) {
  const BigramParams& p = shape.p;
  const auto songs = static_cast<unsigned>(batch.count);
  launch(unmix<Precision>,
         {.grid = songs,
          .block = kBigramThreads,
          .shared_bytes = sizeof(float) * p.windows * p.taps,
          .stream = stream},
         batch, shape, kept.correlations, out_gradient, scratch);
  const auto bytes = shared_bytes(
      {4 * shape.model_floats(), 4 * shape.chroma_floats(shape.rows), 4 * shape.rows * shape.stride,
       4 * shape.chroma_floats(kTimeTile), 4 * kTimeTile * shape.stride});
  const int tiles = GradientScratch::tiles(shape), at_once = kBigramWarps * kTiles;
  const auto shares = static_cast<unsigned>(std::max(1, (tiles + at_once - 1) / at_once));
  launch(event_gradient<Precision, kTiles>,
         {.grid = {songs, static_cast<unsigned>(shape.parts), shares},
          .block = kBigramThreads,
          .shared_bytes = bytes,
          .stream = stream},
         batch, shape, kept.means, scratch, events_gradient);
  const auto blocks = static_cast<unsigned>((p.weights() + kBigramThreads - 1) / kBigramThreads);
  launch(sum_gradients, {.grid = blocks, .block = kBigramThreads, .stream = stream}, batch, shape,
         scratch, gradient);
}

template <typename Precision>
void run_for_size(const BigramBatch& batch, const BigramParams& params, const float* out_gradient,
                  const void* reserve, void* scratch_memory, float* gradient,
                  float* events_gradient, cudaStream_t stream) {
  constexpr int kMaxTiles =  // all, of one band
      kMaxEvents / kTile * (kMaxEventLength * kPitchClasses / kTile) / kBigramWarps;
  const BigramPlan shape = gradient_shape(params, batch.longest);
  const BigramReserve kept(shape, batch.count,
                           const_cast<float*>(static_cast<const float*>(reserve)));
  const GradientScratch scratch(shape, batch.count, static_cast<float*>(scratch_memory));
  const bool few = GradientScratch::tiles(shape) <= kBigramWarps;
  const auto run_it = few ? run<Precision, 1> : run<Precision, kMaxTiles>;
  run_it(batch, shape, out_gradient, kept, scratch, gradient, events_gradient, stream);
}

}  // namespace

std::size_t bigram_backward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                          std::int64_t longest) {
  const BigramPlan shape = gradient_shape(params, longest);
  return sizeof(float) * static_cast<std::size_t>(GradientScratch::floats(shape, count));
}

void bigram_backward(const ops::BigramBackward& op, MathMode math, void* scratch,
                     cudaStream_t stream) {
  const auto run_it = math == MathMode::fp32 ? run_for_size<Fp32> : run_for_size<Tf32>;
  run_it({op.songs, op.weights}, op.params, op.out_gradient, op.reserve, scratch, op.gradient,
         op.events_gradient, stream);
}

}  // namespace reprise::kernels
