// Losses over a batch of fingerprints, and their gradients (LossParams). nt_xent and triplet need
// the products of all rows, in three steps:
//   products      parts of s = z z^T, each over a slice of the dimensions
//   *_rows        a row of s: its loss, and the weights w of the row's pairs
//   pull          z_gradient_a = sum_b (w_ab + w_ba) z_b, less what pulls towards z_a itself
// contrastive looks at pairs only. Products are in fp32: they are few, and training follows them.
#include "device.h"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;    // rows and columns of a block's tile of products
constexpr int kDepth = 32;   // dimensions that a block holds at a time
constexpr int kSlice = 512;  // dimensions of a block
constexpr int kWide = 64;    // dimensions of a block's tile of gradients

/// Arrays of the scratch memory.
struct LossScratch {
  int slices;
  float* parts;   // [slices, rows, rows]
  float* weight;  // [rows, rows]: s first, then w
  float* losses;  // [rows]
  float* scales;  // [rows]: d(loss)/d(scale) of each row

  LossScratch(std::int64_t rows, int dims, float* memory)
      : slices((dims + kSlice - 1) / kSlice),
        parts(memory),
        weight(parts + slices * rows * rows),
        losses(weight + rows * rows),
        scales(losses + rows) {}
  static std::int64_t floats(std::int64_t rows, int dims) {
    return ((dims + kSlice - 1) / kSlice + 1) * rows * rows + 2 * rows;
  }
};

// Grid (column tiles, row tiles, slices). z [rows, dims]; parts [slices, rows, rows].
__global__ void __launch_bounds__(kThreads)
    products(const float* z, int rows, int dims, float* parts) {
  REPRISE_SHARED(float, left, [kSide][kDepth + 1]);
  REPRISE_SHARED(float, right, [kSide][kDepth + 1]);
  const int row = threadIdx.x / kSide, column = threadIdx.x % kSide;
  const int a = blockIdx.y * kSide, b = blockIdx.x * kSide;
  const int begin = blockIdx.z * kSlice, end = min(begin + kSlice, dims);
  float sum = 0;
  for (int d = begin; d < end; d += kDepth) {
    for (int at = threadIdx.x; at < kSide * kDepth; at += kThreads) {
      const int r = at / kDepth, c = at % kDepth;
      left[r][c] =
          a + r < rows && d + c < end ? z[static_cast<std::int64_t>(a + r) * dims + d + c] : 0.f;
      right[r][c] =
          b + r < rows && d + c < end ? z[static_cast<std::int64_t>(b + r) * dims + d + c] : 0.f;
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kDepth; ++c) sum += left[row][c] * right[column][c];
    __syncthreads();
  }
  if (a + row < rows && b + column < rows) {
    parts[(static_cast<std::int64_t>(blockIdx.z) * rows + a + row) * rows + b + column] = sum;
  }
}

/// s_ab, its slices added in order.
__device__ float product_of(const LossScratch& scratch, int rows, int a, int b) {
  float sum = 0;
  for (int q = 0; q < scratch.slices; ++q) {
    sum += scratch.parts[(static_cast<std::int64_t>(q) * rows + a) * rows + b];
  }
  return sum;
}

// Grid (rows). labels [rows]; log_scale: one value.
__global__ void __launch_bounds__(kThreads)
    nt_xent_rows(const std::int32_t* labels, int rows, const float* log_scale, float max_scale,
                 LossScratch scratch) {
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  const int a = blockIdx.x, partner = a ^ 1;
  const float scale = fminf(expf(*log_scale), max_scale);
  float* w = scratch.weight + static_cast<std::int64_t>(a) * rows;
  const auto counts = [&](int b) { return b == partner || labels[b] != labels[a]; };
  float largest = -INFINITY;
  for (int b = threadIdx.x; b < rows; b += kThreads) {
    w[b] = product_of(scratch, rows, a, b);
    if (counts(b)) largest = fmaxf(largest, w[b]);
  }
  largest = block_max(largest, partial);
  float total = 0, along = 0;
  for (int b = threadIdx.x; b < rows; b += kThreads) {
    const float part = counts(b) ? expf(scale * (w[b] - largest)) : 0.f;
    total += part;
    along += part * w[b];
  }
  total = block_sum(total, partial);
  along = block_sum(along, partial);
  if (threadIdx.x == 0) {
    const float own = product_of(scratch, rows, a, partner);
    scratch.losses[a] = logf(total) + scale * (largest - own);
    scratch.scales[a] = along / total - own;  // mean similarity under the softmax
  }
  const float share = scale / static_cast<float>(rows);
  for (int b = threadIdx.x; b < rows; b += kThreads) {
    const float part = counts(b) ? expf(scale * (w[b] - largest)) / total : 0.f;
    w[b] = share * (b == partner ? part - 1 : part);
  }
}

/// A row and how far it is.
struct Neighbour {
  float distance;
  int row;  // -1: none
};

/// The furthest over a block, or with `nearest` the nearest; of equals the first row.
__device__ Neighbour block_pick(Neighbour mine, bool nearest, float* distances, int* numbers) {
  distances[threadIdx.x] = mine.distance;
  numbers[threadIdx.x] = mine.row;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) {
      const float theirs = distances[threadIdx.x + half];
      const int row = numbers[threadIdx.x + half];
      const bool closer = theirs<mine.distance, further = theirs> mine.distance;
      const bool tie = theirs == mine.distance && row < mine.row;
      if (row >= 0 && (mine.row < 0 || tie || (nearest ? closer : further))) {
        distances[threadIdx.x] = mine.distance = theirs;
        numbers[threadIdx.x] = mine.row = row;
      }
    }
    __syncthreads();
  }
  mine = {distances[0], numbers[0]};
  __syncthreads();  // the arrays are written next
  return mine;
}

// Grid (rows).
__global__ void __launch_bounds__(kThreads, 4)  // 64 registers a thread: no spills
    triplet_rows(const float* z, const std::int32_t* labels, int rows, int dims, float margin,
                 LossScratch scratch) {
  REPRISE_SHARED(float, distances, [kThreads]);
  REPRISE_SHARED(int, numbers, [kThreads]);
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  const int a = blockIdx.x;
  const float square = product_of(scratch, rows, a, a);
  Neighbour positive{0, -1}, negative{0, -1};
  for (int b = threadIdx.x; b < rows; b += kThreads) {
    if (b == a) continue;
    // The rows' own products, not 1: the gradient holds for any z.
    const float d = sqrtf(
        fmaxf(0.f, square + product_of(scratch, rows, b, b) - 2 * product_of(scratch, rows, a, b)));
    if (labels[b] == labels[a]) {
      if (positive.row < 0 || d > positive.distance) positive = {d, b};
    } else if (negative.row < 0 || d < negative.distance) {
      negative = {d, b};
    }
  }
  positive = block_pick(positive, false, distances, numbers);
  negative = block_pick(negative, true, distances, numbers);
  // Of rows that lie close together the products leave few digits: the two that were picked are
  // measured again.
  const auto measure = [&](Neighbour& neighbour) {
    float sum = 0;
    for (int i = threadIdx.x; i < dims && neighbour.row >= 0; i += kThreads) {
      const float difference = z[static_cast<std::int64_t>(a) * dims + i] -
                               z[static_cast<std::int64_t>(neighbour.row) * dims + i];
      sum += difference * difference;
    }
    neighbour.distance = sqrtf(block_sum(sum, partial));
  };
  measure(positive);
  measure(negative);
  const float value = positive.row < 0 || negative.row < 0
                          ? 0.f
                          : fmaxf(0.f, margin + positive.distance - negative.distance);
  // d |z_a - z_b| = (z_a - z_b) . (dz_a - dz_b) / |z_a - z_b|; a pair at distance 0 has none.
  const float share = value > 0 ? 1.f / static_cast<float>(rows) : 0.f;
  const float towards = positive.distance > 0 ? -share / positive.distance : 0.f;
  const float away = negative.distance > 0 ? share / negative.distance : 0.f;
  float* w = scratch.weight + static_cast<std::int64_t>(a) * rows;
  for (int b = threadIdx.x; b < rows; b += kThreads) {
    w[b] = b == positive.row ? towards : b == negative.row ? away : 0.f;
  }
  if (threadIdx.x == 0) {
    scratch.losses[a] = value;
    scratch.scales[a] = 0;
  }
}

// Grid (dimension tiles, row tiles). With `to_itself` each pair pulls by its difference:
// z_gradient_a = sum_b (w_ab + w_ba) (z_b - z_a).
__global__ void __launch_bounds__(kThreads)
    pull(const float* z, int rows, int dims, const float* weight, bool to_itself,
         float* z_gradient) {
  REPRISE_SHARED(float, w, [kSide][kDepth + 1]);
  REPRISE_SHARED(float, tile, [kDepth][kWide]);
  constexpr int kEach = kWide / kSide;  // dimensions of a thread
  const int row = threadIdx.x / kSide, column = threadIdx.x % kSide;
  const int a = blockIdx.y * kSide, d = blockIdx.x * kWide;
  float sums[kEach] = {};
  float own = 0;
  for (int b = 0; b < rows; b += kDepth) {
    for (int at = threadIdx.x; at < kSide * kDepth; at += kThreads) {
      const int r = at / kDepth, c = at % kDepth;
      const std::int64_t from = a + r, to = b + c;
      w[r][c] = from < rows && to < rows ? weight[from * rows + to] + weight[to * rows + from] : 0;
    }
    for (int at = threadIdx.x; at < kDepth * kWide; at += kThreads) {
      const int r = at / kWide, c = at % kWide;
      tile[r][c] =
          b + r < rows && d + c < dims ? z[static_cast<std::int64_t>(b + r) * dims + d + c] : 0.f;
    }
    __syncthreads();
    for (int c = 0; c < kDepth; ++c) {
      own += w[row][c];
#pragma unroll
      for (int i = 0; i < kEach; ++i) sums[i] += w[row][c] * tile[c][column + i * kSide];
    }
    __syncthreads();
  }
  if (a + row >= rows) return;
  const std::int64_t first = static_cast<std::int64_t>(a + row) * dims;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int at = d + column + i * kSide;
    if (at < dims) z_gradient[first + at] = to_itself ? sums[i] - own * z[first + at] : sums[i];
  }
}

// Grid (pairs).
__global__ void __launch_bounds__(kThreads)
    contrastive_pairs(const float* z, const std::int32_t* labels, int dims, float margin,
                      float negative_weight, float* z_gradient, LossScratch scratch) {
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  const int pairs = gridDim.x, pair = blockIdx.x;
  const float* a = z + 2 * static_cast<std::int64_t>(pair) * dims;
  const float* b = a + dims;
  float square = 0;
  for (int i = threadIdx.x; i < dims; i += kThreads) square += (a[i] - b[i]) * (a[i] - b[i]);
  square = block_sum(square, partial);
  float value = square, slope = 2;  // of the loss by z_a, as a multiple of z_a - z_b
  if (labels[2 * pair] != labels[2 * pair + 1]) {
    const float d = sqrtf(square);
    const float short_of = fmaxf(0.f, margin - d);
    value = negative_weight * short_of * short_of;
    // The root has no derivative at d = 0: such a pair is left where it is.
    slope = d > 0 ? -2 * negative_weight * short_of / d : 0.f;
  }
  if (threadIdx.x == 0) {
    scratch.losses[pair] = value;
    scratch.scales[pair] = 0;
  }
  float* da = z_gradient + 2 * static_cast<std::int64_t>(pair) * dims;
  for (int i = threadIdx.x; i < dims; i += kThreads) {
    const float g = slope / static_cast<float>(pairs) * (a[i] - b[i]);
    da[i] = g;
    da[dims + i] = -g;
  }
}

// One block. losses, scales [count]: to their means.
__global__ void __launch_bounds__(kThreads)
    mean_loss(int count, const float* log_scale, float max_scale, LossScratch scratch, float* loss,
              float* scale_gradient) {
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  float value = 0, by_scale = 0;
  for (int i = threadIdx.x; i < count; i += kThreads) {
    value += scratch.losses[i];
    by_scale += scratch.scales[i];
  }
  value = block_sum(value, partial);
  by_scale = block_sum(by_scale, partial);
  if (threadIdx.x != 0) return;
  const float scale = expf(*log_scale);
  *loss = value / static_cast<float>(count);
  // d scale / d log_scale = scale, and 0 where the limit holds.
  *scale_gradient = scale < max_scale ? by_scale / static_cast<float>(count) * scale : 0.f;
}

unsigned tiles(int size, int side) {
  return static_cast<unsigned>((size + side - 1) / side);
}

}  // namespace

std::size_t loss_scratch_bytes(std::int64_t rows, int dims) {
  return sizeof(float) * static_cast<std::size_t>(LossScratch::floats(rows, dims));
}

void loss(const ops::Loss& op, void* scratch_memory, cudaStream_t stream) {
  const LossParams& params = op.params;
  const auto rows = static_cast<int>(op.rows);
  const int dims = op.dims;
  const LossScratch scratch(rows, dims, static_cast<float*>(scratch_memory));
  const auto blocks = [&](dim3 grid) {
    return LaunchConfig{.grid = grid, .block = kThreads, .stream = stream};
  };
  const auto count = static_cast<unsigned>(rows);
  const auto multiply = [&] {
    launch(products, blocks({tiles(rows, kSide), tiles(rows, kSide), tiles(dims, kSlice)}), op.z,
           rows, dims, scratch.parts);
  };
  const auto spread = [&] {
    launch(pull, blocks({tiles(dims, kWide), tiles(rows, kSide)}), op.z, rows, dims, scratch.weight,
           params.loss == Loss::triplet, op.z_gradient);
  };
  int losses = rows;
  switch (params.loss) {
    case Loss::nt_xent:
      multiply();
      launch(nt_xent_rows, blocks(count), op.labels, rows, op.log_inverse_temperature,
             params.max_inverse_temperature, scratch);
      spread();
      break;
    case Loss::triplet:
      multiply();
      launch(triplet_rows, blocks(count), op.z, op.labels, rows, dims, params.margin, scratch);
      spread();
      break;
    case Loss::contrastive:
      losses = rows / 2;
      launch(contrastive_pairs, blocks(count / 2), op.z, op.labels, dims, params.margin,
             params.negative_weight, op.z_gradient, scratch);
      break;
  }
  launch(mean_loss, blocks(1), losses, op.log_inverse_temperature, params.max_inverse_temperature,
         scratch, op.loss, op.log_inverse_temperature_gradient);
}

}  // namespace reprise::kernels
