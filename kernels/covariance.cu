// Second-order statistics of pitch classes over time, in one pass over a song for all its keys
// (definitions in backend.h).
//
// A block has the frames of one run of excerpts (one song in many keys). Rows are shifted by the
// first one, which changes no covariance and makes a column that never changes exactly zero; a
// column of ones beside them gives the sums. A thread sums a 5 x 5 tile of the products over every
// `slices`-th row in double precision, and the slices are added in order.
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 5;       // of a tile
constexpr int kTileRows = 64;  // of a song, in shared memory at a time

template <int kValues>  // of a row: chroma, or chroma and its change
struct Scatter {
  static constexpr bool kWithChange = kValues > kPitchClasses;
  static constexpr int kAcross = kValues / kSide + 1;  // tiles; a column of ones fits
  static constexpr int kColumns = kAcross * kSide;
  static constexpr int kTiles = kAcross * (kAcross + 1) / 2;  // on and above the diagonal
  static constexpr int kSlices = kThreads / kTiles;

  double rows[kTileRows][kColumns];
  double sums[kColumns][kColumns];  // of the shifted rows; on and above the diagonal
  double centred[kValues][kValues];
};

// s.centred = sum over rows of (row - mean)^T (row - mean). Ends with a barrier.
template <int kValues>
__device__ void scatter(const ChromaView& chroma, const Excerpt& excerpt, Scatter<kValues>& s) {
  using S = Scatter<kValues>;
  const int count = excerpt.frames - (S::kWithChange ? 1 : 0);
  const auto value = [&](int t, int column) -> double {
    if (column >= kValues) return column == kValues ? 1 : 0;
    const std::int64_t frame = excerpt.first + t;
    const int c = column % kPitchClasses;
    const double x = chroma.at(frame, c);
    return column < kPitchClasses ? x : static_cast<double>(chroma.at(frame + 1, c)) - x;
  };
  const int tile = threadIdx.x % S::kTiles, slice = threadIdx.x / S::kTiles;
  int row = 0, above = tile;
  while (above >= S::kAcross - row) above -= S::kAcross - row++;
  const int i0 = row * kSide, j0 = (row + above) * kSide;
  double sums[kSide][kSide] = {};
  for (int first = 0; first < count; first += kTileRows) {
    const int some = min(kTileRows, count - first);
    for (int at = threadIdx.x; at < some * S::kColumns; at += kThreads) {
      const int column = at % S::kColumns;
      const double shift = column < kValues ? value(0, column) : 0;
      s.rows[at / S::kColumns][column] = value(first + at / S::kColumns, column) - shift;
    }
    __syncthreads();
    for (int t = slice; t < some && slice < S::kSlices; t += S::kSlices) {
      double left[kSide], right[kSide];
#pragma unroll
      for (int i = 0; i < kSide; ++i) left[i] = s.rows[t][i0 + i], right[i] = s.rows[t][j0 + i];
#pragma unroll
      for (int i = 0; i < kSide; ++i) {
#pragma unroll
        for (int j = 0; j < kSide; ++j) sums[i][j] += left[i] * right[j];
      }
    }
    __syncthreads();
  }
  for (int turn = 0; turn < S::kSlices; ++turn) {
    if (slice == turn) {
      for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) {
          double& sum = s.sums[i0 + i][j0 + j];
          sum = (turn == 0 ? 0 : sum) + sums[i][j];
        }
      }
    }
    __syncthreads();
  }
  for (int at = threadIdx.x; at < kValues * kValues; at += kThreads) {
    const int i = min(at / kValues, at % kValues), j = max(at / kValues, at % kValues);
    const double mean = count > 0 ? s.sums[j][kValues] / count : 0;
    s.centred[at / kValues][at % kValues] =
        count > 0 ? s.sums[i][j] - s.sums[i][kValues] * mean : 0;
  }
  __syncthreads();
}

__device__ bool same_frames(const Excerpt& a, const Excerpt& b) {
  return a.first == b.first && a.frames == b.frames;
}

// The untransposed column that column c shows after a roll, in each block of 12 columns.
__device__ int source(int c, int roll) {
  return c / kPitchClasses * kPitchClasses +
         (c % kPitchClasses + kPitchClasses - roll) % kPitchClasses;
}

// Calls write(excerpt number) for each excerpt of the run that begins with this block's; blocks of
// the run's other excerpts have ended.
template <typename Write>
__device__ void for_each_key(const Excerpt* excerpts, std::int64_t count, Write write) {
  const Excerpt first = excerpts[blockIdx.x];
  for (std::int64_t e = blockIdx.x; e < count && same_frames(excerpts[e], first); ++e) write(e);
}

__device__ bool begins_run(const Excerpt* excerpts) {
  return blockIdx.x == 0 || !same_frames(excerpts[blockIdx.x], excerpts[blockIdx.x - 1]);
}

// Grid (excerpts).
__global__ void __launch_bounds__(kThreads)
    covariances(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, float* out) {
  constexpr int kBoth = 2 * kPitchClasses;
  REPRISE_SHARED(Scatter<kBoth>, s, [1]);
  REPRISE_SHARED(double, factor, [kBoth]);
  if (!begins_run(excerpts)) return;
  scatter<kBoth>(chroma, excerpts[blockIdx.x], s[0]);
  if (threadIdx.x < kBoth) {
    double square = 0;
    for (int j = 0; j < kBoth; ++j)
      square += s[0].centred[threadIdx.x][j] * s[0].centred[threadIdx.x][j];
    factor[threadIdx.x] = square > 0 ? 1 / sqrt(square) : 0;
  }
  __syncthreads();
  for_each_key(excerpts, count, [&](std::int64_t e) {
    for (int at = threadIdx.x; at < kBoth * kBoth; at += kThreads) {
      const int i = source(at / kBoth, excerpts[e].roll), j = source(at % kBoth, excerpts[e].roll);
      out[e * kBoth * kBoth + at] = static_cast<float>(s[0].centred[i][j] * factor[i]);
    }
  });
}

// Grid (excerpts).
__global__ void __launch_bounds__(kThreads)
    correlations(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, float* out) {
  constexpr int kPairs = kPitchClasses * (kPitchClasses - 1) / 2;
  REPRISE_SHARED(Scatter<kPitchClasses>, s, [1]);
  if (!begins_run(excerpts)) return;
  scatter<kPitchClasses>(chroma, excerpts[blockIdx.x], s[0]);
  for_each_key(excerpts, count, [&](std::int64_t e) {
    for (int at = threadIdx.x; at < kPitchClasses * kPitchClasses; at += kThreads) {
      const int row = at / kPitchClasses, column = at % kPitchClasses;
      if (column <= row) continue;
      const int i = source(row, excerpts[e].roll), j = source(column, excerpts[e].roll);
      const double both = sqrt(s[0].centred[i][i]) * sqrt(s[0].centred[j][j]);
      const int pair = row * (2 * kPitchClasses - row - 1) / 2 + column - row - 1;
      out[e * kPairs + pair] = both > 0 ? static_cast<float>(s[0].centred[i][j] / both) : 0.f;
    }
  });
}

}  // namespace

void covariance(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, float* out,
                cudaStream_t stream) {
  if (count == 0) return;
  launch(covariances, {.grid = static_cast<unsigned>(count), .block = kThreads, .stream = stream},
         chroma, excerpts, count, out);
}

void correlation(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, float* out,
                 cudaStream_t stream) {
  if (count == 0) return;
  launch(correlations, {.grid = static_cast<unsigned>(count), .block = kThreads, .stream = stream},
         chroma, excerpts, count, out);
}

}  // namespace reprise::kernels
