// Row-z local alignment of many pairs (see params.h for the definition): the arithmetic of the CPU
// back end, cell by cell, in 8-bit frames and 16-bit saturating scores.
//
// A song is prepared once: frames of twelve signed bytes, that is three words, with the mean and
// covariance of its states. Then a warp has a pair. Candidate frames lie in the lanes' registers,
// eight a lane and the one before them, and the warp goes down the query's frames: as H reads
// earlier rows only, all cells of a row are independent, and a lane needs of its neighbour but the
// last two columns of two rows. The product of two states is that of their frames added to that of
// the frames before, which the lane computed a row earlier. The scale of 32 rows is computed at a
// time, one a lane. A candidate of more than 256 frames takes several panels, whose last two
// columns are kept, one word a row.
#include <algorithm>

#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kWords = 3;  // of four bytes, in a frame
// Mean and covariance of states, of the latter the lower triangle row by row, what is off the
// diagonal doubled: all that a quadratic form needs.
constexpr int kStatistics = kStateValues + kStateValues * (kStateValues + 1) / 2;

// --- preparing a song

constexpr int kPrepareThreads = 256;
constexpr int kMeanSlices = kPrepareThreads / kPitchClasses;

__device__ int byte_of(const int* frame, int c) {
  return static_cast<signed char>(frame[c / 4] >> (c % 4 * 8));
}

// Grid (songs).
__global__ void __launch_bounds__(kPrepareThreads)
    prepare_songs(AlignmentSongs songs, int* frames, float* statistics) {
  REPRISE_SHARED(double, partial, [kMeanSlices * kPitchClasses]);
  REPRISE_SHARED(float, mean, [kPitchClasses]);
  REPRISE_SHARED(double, sums, [kStateValues]);
  const Excerpt excerpt = songs.excerpts[blockIdx.x];
  const int me = threadIdx.x, length = excerpt.frames;
  frames += songs.first_frame[blockIdx.x] * kWords;
  statistics += std::int64_t{blockIdx.x} * kStatistics;
  const double share = 1 / static_cast<double>(max(length, 1));

  if (me < kMeanSlices * kPitchClasses) {
    double sum = 0;
    for (int t = me / kPitchClasses; t < length; t += kMeanSlices) {
      sum += songs.chroma.at(excerpt.first + t, me % kPitchClasses);
    }
    partial[me] = sum;
  }
  __syncthreads();
  if (me < kPitchClasses) {
    double sum = 0;
    for (int s = 0; s < kMeanSlices; ++s) sum += partial[s * kPitchClasses + me];
    mean[me] = static_cast<float>(sum / max(length, 1));
  }
  __syncthreads();

  for (int t = me; t < length; t += kPrepareThreads) {
    float x[kPitchClasses], square = 0;
#pragma unroll
    for (int c = 0; c < kPitchClasses; ++c) {
      x[c] = songs.chroma.at(excerpt.first + t, c) - mean[c];
      square = __fadd_rn(square, __fmul_rn(x[c], x[c]));
    }
    const float scale = kAlignmentScale / sqrtf(square + kAlignmentFloor);
    auto* bytes = reinterpret_cast<signed char*>(frames + std::int64_t{t} * kWords);
#pragma unroll
    for (int c = 0; c < kPitchClasses; ++c) {
      // Rounds halves away from zero, whatever the sign.
      const float value = __fadd_rn(__fmul_rn(x[c], scale), x[c] < 0 ? -0.5f : 0.5f);
      bytes[(c + excerpt.roll) % kPitchClasses] = static_cast<signed char>(static_cast<int>(value));
    }
  }
  __syncthreads();

  // Exact sums of integers.
  const auto value_of = [&](int t, int c) {  // of the state of frame t
    const int from = c < kPitchClasses ? t : t - 1;
    return from < 0 ? 0 : byte_of(frames + std::int64_t{from} * kWords, c % kPitchClasses);
  };
  if (me < kStateValues) {
    long long sum = 0;
    for (int t = 0; t < length; ++t) sum += value_of(t, me);
    sums[me] = static_cast<double>(sum);
    statistics[me] = static_cast<float>(sums[me] * share);
  }
  __syncthreads();
  for (int at = me; at < kStateValues * kStateValues; at += kPrepareThreads) {
    const int c = at / kStateValues, d = at % kStateValues;
    if (d > c) continue;
    long long products = 0;
    for (int t = 0; t < length; ++t) products += value_of(t, c) * value_of(t, d);
    statistics[kStateValues + c * (c + 1) / 2 + d] =
        (d < c ? 2 : 1) * static_cast<float>(static_cast<double>(products) * share -
                                             sums[c] * share * sums[d] * share);
  }
}

// --- aligning a pair

constexpr int kAlignThreads = 128;  // a warp a pair
constexpr int kColumns = 8;         // of a lane
constexpr int kPanel = kColumns * kWarpThreads;

// A query frame, and how its products with the candidate become sixteenths of a standard deviation:
// max(.., (product gain / 2^15 - subtract) >> shift).
struct Row {
  int words[kWords];
  int gain, subtract, shift;
};

__device__ int clamp_short(int value) {
  return min(max(value, -32768), 32767);
}

// frames: of the query; i: the row.
__device__ Row prepare_row(const int* frames, int i, int roll, const float* statistics,
                           const AlignmentParams& params) {
  Row row{};
  float x[kStateValues];
#pragma unroll
  for (int c = 0; c < kPitchClasses; ++c) {
    const int from = c < roll ? c + kPitchClasses - roll : c - roll;
    const int* frame = frames + std::int64_t{i} * kWords;
    const int value = byte_of(frame, from);
    row.words[c / 4] |= (value & 0xff) << (c % 4 * 8);
    x[c] = static_cast<float>(value);
    x[kPitchClasses + c] = i > 0 ? static_cast<float>(byte_of(frame - kWords, from)) : 0.f;
  }
  float mean = 0, variance = 0;
  const float* covariance = statistics + kStateValues;
#pragma unroll
  for (int c = 0; c < kStateValues; ++c) {
    float sum = 0;
#pragma unroll
    for (int d = 0; d <= c; ++d) sum = fmaf(covariance[c * (c + 1) / 2 + d], x[d], sum);
    variance = fmaf(sum, x[c], variance);
    mean = fmaf(statistics[c], x[c], mean);
  }
  constexpr float kProductScale = 1.0f * kAlignmentScale * kAlignmentScale;
  constexpr float kFloor = kAlignmentVariance * kProductScale * kProductScale;
  const float factor = kAlignmentUnits / sqrtf(__fadd_rn(fmaxf(variance, 0.f), kFloor));
  // factor = m 2^exponent with 1 <= m < 2, and sigma >= .01 keeps exponent below -2.
  const int exponent = static_cast<int>(__float_as_uint(factor) >> 23) - 127;
  row.shift = -1 - exponent;
  const float scaled = __int_as_float((row.shift + 127) << 23);  // 2^shift
  const float gain = __fadd_rn(factor * scaled * 32768.0f, 0.5f);
  // Half a unit more makes the shift round to nearest.
  const float level = __fadd_rn(__fmul_rn(factor, mean), __fmul_rn(kAlignmentUnits, params.offset));
  const float subtract = __fadd_rn(__fmul_rn(scaled, level), __fmul_rn(-0.5f, scaled));
  row.gain = static_cast<int>(fminf(gain, 32767.0f));
  row.subtract = static_cast<int>(fminf(fmaxf(subtract, -32767.0f), 32767.0f));
  return row;
}

__device__ int low_short(int pair) {
  return static_cast<short>(pair & 0xffff);
}
__device__ int high_short(int pair) {
  return pair >> 16;
}

// Grid (pairs / warps). edges [count, longest query]: the last column of a panel in the low half,
// the one before it in the high half.
__global__ void __launch_bounds__(kAlignThreads, 3)  // 168 registers a thread: no spills
    align_pairs(AlignmentSongs queries, const int* query_frames, AlignmentSongs candidates,
                const int* candidate_frames, const float* statistics, const AlignmentPair* pairs,
                std::int64_t count, AlignmentParams params, int* edges, float* scores) {
  const std::int64_t at =
      std::int64_t{blockIdx.x} * (kAlignThreads / kWarpThreads) + threadIdx.x / kWarpThreads;
  const int lane = threadIdx.x % kWarpThreads;
  if (at >= count) return;
  const AlignmentPair pair = pairs[at];
  const int rows = queries.excerpts[pair.query].frames;
  const int columns = candidates.excerpts[pair.candidate].frames;
  query_frames += queries.first_frame[pair.query] * kWords;
  candidate_frames += candidates.first_frame[pair.candidate] * kWords;
  statistics += std::int64_t{pair.candidate} * kStatistics;
  edges += at * queries.longest;
  const int cap = static_cast<int>(rintf(params.cap * kAlignmentUnits));

  int best = 0;
  for (int first = 0; first < columns; first += kPanel) {
    const int mine = first + lane * kColumns;
    const bool last_panel = first + kPanel >= columns;
    int y[1 + kColumns][kWords];  // from the frame before the lane's
#pragma unroll
    for (int j = 0; j <= kColumns; ++j) {
      const int from = mine + j - 1;
#pragma unroll
      for (int w = 0; w < kWords; ++w) {
        const bool inside = from >= 0 && from < columns;
        y[j][w] = inside ? candidate_frames[std::int64_t{from} * kWords + w] : 0;
      }
    }
    int dot1[1 + kColumns] = {};  // products of frames in row i - 1
    // Rows i - 1 and i - 2 of H, with the two columns to the left of the lane's.
    int h1[kColumns + 2] = {}, h2[kColumns + 2] = {};
    for (int block = 0; block < rows; block += kWarpThreads) {
      Row own{};
      int edge = 0;
      if (block + lane < rows) {
        own = prepare_row(query_frames, block + lane, pair.roll, statistics, params);
        if (first > 0) edge = edges[block + lane];
      }
      __syncwarp();  // the edges are read before they are written again
      const int some = min(kWarpThreads, rows - block);
      const int scale = own.gain | own.subtract << 16;
      for (int r = 0; r < some; ++r) {
        const int x0 = __shfl_sync(kAllLanes, own.words[0], r);
        const int x1 = __shfl_sync(kAllLanes, own.words[1], r);
        const int x2 = __shfl_sync(kAllLanes, own.words[2], r);
        const int gain_subtract = __shfl_sync(kAllLanes, scale, r);
        const int shift = __shfl_sync(kAllLanes, own.shift, r);
        const int gain = low_short(gain_subtract), subtract = high_short(gain_subtract);
        int h[kColumns + 2], dot[1 + kColumns];
#pragma unroll
        for (int j = 0; j <= kColumns; ++j) {
          dot[j] = __dp4a(x0, y[j][0], __dp4a(x1, y[j][1], __dp4a(x2, y[j][2], 0)));
        }
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          const int product = ((dot[j + 1] + dot1[j]) * gain + 0x4000) >> 15;
          const int z = clamp_short(product - subtract) >> shift;
          const int before = max(max(h1[j + 1], h2[j + 1]), h1[j]);
          const int value = min(max(min(z, cap) + before, 0), 32767);
          // Past the end frames are zeros, which are no match.
          h[j + 2] = mine + j < columns ? value : 0;
          best = max(best, h[j + 2]);
        }
        const int ends = h[kColumns + 1] | h[kColumns] << 16;
        const int from_left = __shfl_up_sync(kAllLanes, ends, 1);
        const int from_panel = __shfl_sync(kAllLanes, edge, r);
        const int left = lane == 0 ? from_panel : from_left;
        h[1] = low_short(left);
        h[0] = high_short(left);
        if (!last_panel && lane == kWarpThreads - 1) edges[block + r] = ends;
#pragma unroll
        for (int j = 0; j < kColumns + 2; ++j) h2[j] = h1[j], h1[j] = h[j];
#pragma unroll
        for (int j = 0; j <= kColumns; ++j) dot1[j] = dot[j];
      }
    }
    __syncwarp();  // the edges are written before they are read
  }
  for (int offset = kWarpThreads / 2; offset > 0; offset /= 2) {
    best = max(best, __shfl_xor_sync(kAllLanes, best, offset));
  }
  if (lane == 0) scores[at] = static_cast<float>(best) / kAlignmentUnits;
}

std::size_t prepared_bytes(const AlignmentSongs& songs) {
  const std::int64_t bytes = songs.frames * kWords * static_cast<std::int64_t>(sizeof(int)) +
                             songs.count * kStatistics * static_cast<std::int64_t>(sizeof(float));
  return static_cast<std::size_t>((bytes + 255) / 256 * 256);
}

struct Prepared {
  int* frames;
  float* statistics;
};

Prepared prepare(const AlignmentSongs& songs, void* memory, cudaStream_t stream) {
  auto* frames = static_cast<int*>(memory);
  auto* statistics = reinterpret_cast<float*>(frames + songs.frames * kWords);
  launch(prepare_songs,
         {.grid = static_cast<unsigned>(songs.count), .block = kPrepareThreads, .stream = stream},
         songs, frames, statistics);
  return {frames, statistics};
}

}  // namespace

std::size_t align_scratch_bytes(const AlignmentSongs& queries, const AlignmentSongs& candidates,
                                std::int64_t count) {
  const auto edges = candidates.longest > kPanel ? count * queries.longest : 0;
  return prepared_bytes(queries) + prepared_bytes(candidates) +
         static_cast<std::size_t>(edges) * sizeof(int);
}

void align(const AlignmentSongs& queries, const AlignmentSongs& candidates,
           const AlignmentPair* pairs, std::int64_t count, std::int64_t at_once,
           const AlignmentParams& params, void* scratch, float* scores, cudaStream_t stream) {
  if (count == 0) return;
  auto* memory = static_cast<unsigned char*>(scratch);
  const Prepared query = prepare(queries, memory, stream);
  memory += prepared_bytes(queries);
  const Prepared candidate = prepare(candidates, memory, stream);
  memory += prepared_bytes(candidates);
  constexpr int kPairs = kAlignThreads / kWarpThreads;
  for (std::int64_t first = 0; first < count; first += at_once) {
    const std::int64_t some = std::min(at_once, count - first);
    launch(align_pairs,
           {.grid = static_cast<unsigned>((some + kPairs - 1) / kPairs),
            .block = kAlignThreads,
            .stream = stream},
           queries, query.frames, candidates, candidate.frames, candidate.statistics, pairs + first,
           some, params, reinterpret_cast<int*>(memory), scores + first);
  }
}

}  // namespace reprise::kernels
