// Row-z local alignment of many pairs (see params.h for the definition): the arithmetic of the CPU
// back end, cell by cell, in 8-bit frames and 16-bit saturating scores.
//
// A song is prepared once: frames of twelve signed bytes a band, that is three words, with the mean
// and covariance of its states. Then a warp has a pair. Candidate frames lie in the lanes'
// registers, eight a lane and the one before them, and the warp goes down the query's frames: as H
// reads earlier rows only, all cells of a row are independent, and a lane needs of its neighbour
// but the last two columns of two rows. The product of two states is that of their frames added to
// that of the frames before, which the lane computed a row earlier. The scale of 32 rows is
// computed at a time, one a lane. A candidate of more than 256 frames takes several panels, whose
// last two columns are kept, one word a row.
//
// Kernels are made for one band and for up to kMaxBands: registers do not hold the candidate frames
// of several, which then lie in shared memory, each lane's for itself.
#include <algorithm>

#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kWords = 3;  // of four bytes, in a band of a frame

// Values of the mean and covariance of states, of the latter the lower triangle row by row, what is
// off the diagonal doubled: all that a quadratic form needs.
__host__ __device__ constexpr std::int64_t statistics_of(int bands) {
  const std::int64_t values = bands * kStateValues;
  return values + values * (values + 1) / 2;
}

template <int kMostBands>
__device__ int bands_of(const AlignmentSongs& songs) {
  return kMostBands == 1 ? 1 : songs.chroma.bands;
}

// --- preparing a song

constexpr int kPrepareThreads = 256;
constexpr int kMeanSlices = kPrepareThreads / kPitchClasses;

__device__ int byte_of(const int* frame, int c) {
  return static_cast<signed char>(frame[c / 4] >> (c % 4 * 8));
}

// Grid (songs).
template <int kMostBands>
__global__ void __launch_bounds__(kPrepareThreads)
    prepare_songs(AlignmentSongs songs, int* frames, float* statistics) {
  REPRISE_SHARED(double, partial, [kMeanSlices * kPitchClasses]);
  REPRISE_SHARED(double, sums, [kMostBands * kStateValues]);
  REPRISE_SHARED(float, mean, [kMostBands * kPitchClasses]);
  const Excerpt excerpt = songs.excerpts[blockIdx.x];
  const int me = threadIdx.x, length = excerpt.frames, bands = bands_of<kMostBands>(songs);
  const int width = bands * kPitchClasses, states = bands * kStateValues, words = bands * kWords;
  frames += songs.first_frame[blockIdx.x] * words;
  statistics += std::int64_t{blockIdx.x} * statistics_of(bands);
  const double share = 1 / static_cast<double>(max(length, 1));

  for (int low = 0; low < width; low += kPitchClasses) {  // column 0 of a band
    if (me < kMeanSlices * kPitchClasses) {
      double sum = 0;
      for (int t = me / kPitchClasses; t < length; t += kMeanSlices) {
        sum += songs.chroma.at(excerpt.first + t, low + me % kPitchClasses);
      }
      partial[me] = sum;
    }
    __syncthreads();
    if (me < kPitchClasses) {
      double sum = 0;
      for (int s = 0; s < kMeanSlices; ++s) sum += partial[s * kPitchClasses + me];
      mean[low + me] = static_cast<float>(sum / max(length, 1));
    }
    __syncthreads();
  }

  for (int t = me; t < length; t += kPrepareThreads) {
    float x[kPitchClasses], square = 0;  // of the last band
    const auto load = [&](int low) {
#pragma unroll
      for (int c = 0; c < kPitchClasses; ++c) {
        x[c] = songs.chroma.at(excerpt.first + t, low + c) - mean[low + c];
      }
    };
    for (int low = 0; low < width; low += kPitchClasses) {
      load(low);
#pragma unroll
      for (const float value : x) square = __fadd_rn(square, __fmul_rn(value, value));
    }
    const float scale = kAlignmentScale / sqrtf(square + kAlignmentFloor);
    auto* bytes = reinterpret_cast<signed char*>(frames + std::int64_t{t} * words);
    for (int low = 0; low < width; low += kPitchClasses) {
      if (kMostBands > 1) load(low);
#pragma unroll
      for (int c = 0; c < kPitchClasses; ++c) {
        // Rounds halves away from zero, whatever the sign.
        const float value = __fadd_rn(__fmul_rn(x[c], scale), x[c] < 0 ? -0.5f : 0.5f);
        bytes[low + (c + excerpt.roll) % kPitchClasses] =
            static_cast<signed char>(static_cast<int>(value));
      }
    }
  }
  __syncthreads();

  // Exact sums of integers.
  const auto value_of = [&](int t, int c) {  // of the state of frame t
    const int from = c < width ? t : t - 1;
    return from < 0 ? 0 : byte_of(frames + std::int64_t{from} * words, c < width ? c : c - width);
  };
  if (me < states) {
    long long sum = 0;
    for (int t = 0; t < length; ++t) sum += value_of(t, me);
    sums[me] = static_cast<double>(sum);
    statistics[me] = static_cast<float>(sums[me] * share);
  }
  __syncthreads();
  for (int at = me; at < states * states; at += kPrepareThreads) {
    const int c = at / states, d = at % states;
    if (d > c) continue;
    long long products = 0;
    for (int t = 0; t < length; ++t) products += value_of(t, c) * value_of(t, d);
    statistics[states + c * (c + 1) / 2 + d] =
        (d < c ? 2 : 1) * static_cast<float>(static_cast<double>(products) * share -
                                             sums[c] * share * sums[d] * share);
  }
}

// --- aligning a pair

constexpr int kColumns = 8;  // of a lane
constexpr int kPanel = kColumns * kWarpThreads;

__host__ __device__ constexpr int align_threads(int bands) {  // a warp a pair
  return bands == 1 ? 128 : 64;
}

// How the products of a query frame with the candidate become sixteenths of a standard deviation:
// max(.., (product gain / 2^15 - subtract) >> shift).
struct Row {
  int gain, subtract, shift;
};

__device__ int clamp_short(int value) {
  return min(max(value, -32768), 32767);
}

// A band of a frame, rolled up: byte c of `rolled` is byte (c - roll) mod 12 of `words`.
__device__ void roll_words(const int* words, int roll, int (&rolled)[kWords]) {
  const int first = roll == 0 ? 0 : kPitchClasses - roll;
#pragma unroll
  for (int w = 0; w < kWords; ++w) {
    const auto word = [&](int at) {
      return std::uint64_t{static_cast<unsigned>(words[(first / 4 + at) % kWords])};
    };
    rolled[w] = static_cast<int>((word(w + 1) << 32 | word(w)) >> (first % 4 * 8));
  }
}

// frames: of the query; i: the row. Twelve values of its state are taken at a time, one band of one
// of its frames, with all values up to these.
template <int kMostBands>
__device__ Row prepare_row(const int* frames, int i, int roll, int bands, const float* statistics,
                           const AlignmentParams& params) {
  [[maybe_unused]] constexpr int kUnroll = kMostBands == 1 ? kStateFrames : 1;
  const auto load = [&](int part, float(&x)[kPitchClasses]) {
    const int t = part < bands ? i : i - 1, band = part < bands ? part : part - bands;
    int words[kWords] = {};
    if (t >= 0) roll_words(frames + (std::int64_t{t} * bands + band) * kWords, roll, words);
#pragma unroll
    for (int c = 0; c < kPitchClasses; ++c) x[c] = static_cast<float>(byte_of(words, c));
  };
  float mean = 0, variance = 0;
  const float* covariance = statistics + bands * kStateValues;
#pragma unroll kUnroll
  for (int part = 0; part < kStateFrames * bands; ++part) {
    float x[kPitchClasses], y[kPitchClasses], sums[kPitchClasses] = {};
#pragma unroll kUnroll
    for (int other = 0; other <= part; ++other) {
      load(other, y);
#pragma unroll
      for (int n = 0; n < kPitchClasses; ++n) {
        const int c = part * kPitchClasses + n;
        const float* row = covariance + c * (c + 1) / 2 + other * kPitchClasses;
#pragma unroll
        for (int d = 0; d < kPitchClasses; ++d) {
          if (other < part || d <= n) sums[n] = fmaf(row[d], y[d], sums[n]);
        }
      }
    }
    load(part, x);
#pragma unroll
    for (int n = 0; n < kPitchClasses; ++n) {
      variance = fmaf(sums[n], x[n], variance);
      mean = fmaf(statistics[part * kPitchClasses + n], x[n], mean);
    }
  }
  constexpr float kProductScale = 1.0f * kAlignmentScale * kAlignmentScale;
  constexpr float kFloor = kAlignmentVariance * kProductScale * kProductScale;
  const float factor = kAlignmentUnits / sqrtf(__fadd_rn(fmaxf(variance, 0.f), kFloor));
  // factor = m 2^exponent with 1 <= m < 2, and sigma >= .01 keeps exponent below -2.
  const int exponent = static_cast<int>(__float_as_uint(factor) >> 23) - 127;
  Row row;
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

// Candidate frames of a lane's columns, and the one before them; `bands` of the three words that
// one has.
template <int kMostBands>
struct LaneFrames {
  int* mine;  // [bands * kWords, 1 + kColumns], of all threads of the block side by side
  static __device__ LaneFrames make() {
    REPRISE_DYNAMIC_SHARED(int, memory);
    return {memory + threadIdx.x};
  }
  static std::size_t shared_bytes(int bands) {
    return sizeof(int) * bands * kWords * (1 + kColumns) * align_threads(kMostBands);
  }
  __device__ int& word(int w, int j) {
    return mine[(w * (1 + kColumns) + j) * align_threads(kMostBands)];
  }
};
template <>
struct LaneFrames<1> {
  int words[kWords][1 + kColumns];
  static __device__ LaneFrames make() { return {}; }
  static std::size_t shared_bytes(int) { return 0; }
  __device__ int& word(int w, int j) { return words[w][j]; }
};

// Grid (pairs / warps). edges [count, longest query]: the last column of a panel in the low half,
// the one before it in the high half.
template <int kMostBands>
__global__ void __launch_bounds__(align_threads(kMostBands),
                                  384 / align_threads(kMostBands))  // 168 registers
    align_pairs(AlignmentSongs queries, const int* query_frames, AlignmentSongs candidates,
                const int* candidate_frames, const float* statistics, const AlignmentPair* pairs,
                std::int64_t count, AlignmentParams params, int* edges, float* scores) {
  constexpr int kPairs = align_threads(kMostBands) / kWarpThreads;
  const std::int64_t at = std::int64_t{blockIdx.x} * kPairs + threadIdx.x / kWarpThreads;
  const int lane = threadIdx.x % kWarpThreads;
  if (at >= count) return;
  const AlignmentPair pair = pairs[at];
  const int rows = queries.excerpts[pair.query].frames;
  const int columns = candidates.excerpts[pair.candidate].frames;
  const int bands = bands_of<kMostBands>(queries), words = bands * kWords;
  query_frames += queries.first_frame[pair.query] * words;
  candidate_frames += candidates.first_frame[pair.candidate] * words;
  statistics += pair.candidate * statistics_of(bands);
  edges += at * queries.longest;
  const int cap = static_cast<int>(rintf(params.cap * kAlignmentUnits));

  auto y = LaneFrames<kMostBands>::make();
  int best = 0;
  for (int first = 0; first < columns; first += kPanel) {
    const int mine = first + lane * kColumns;
    const bool last_panel = first + kPanel >= columns;
#pragma unroll
    for (int j = 0; j <= kColumns; ++j) {
      const int from = mine + j - 1;
      const bool inside = from >= 0 && from < columns;
#pragma unroll
      for (int w = 0; w < words; ++w) {
        y.word(w, j) = inside ? candidate_frames[std::int64_t{from} * words + w] : 0;
      }
    }
    int dot1[1 + kColumns] = {};  // products of frames in row i - 1
    // Rows i - 1 and i - 2 of H, with the two columns to the left of the lane's.
    int h1[kColumns + 2] = {}, h2[kColumns + 2] = {};
    for (int block = 0; block < rows; block += kWarpThreads) {
      Row own{};
      int own_words[kWords] = {}, edge = 0;  // the words where there is one band
      if (block + lane < rows) {
        own = prepare_row<kMostBands>(query_frames, block + lane, pair.roll, bands, statistics,
                                      params);
        roll_words(query_frames + std::int64_t{block + lane} * words, pair.roll, own_words);
        if (first > 0) edge = edges[block + lane];
      }
      __syncwarp();  // the edges are read before they are written again
      const int some = min(kWarpThreads, rows - block);
      const int scale = own.gain | own.subtract << 16;
      for (int r = 0; r < some; ++r) {
        const int gain_subtract = __shfl_sync(kAllLanes, scale, r);
        const int shift = __shfl_sync(kAllLanes, own.shift, r);
        const int gain = low_short(gain_subtract), subtract = high_short(gain_subtract);
        int h[kColumns + 2], dot[1 + kColumns] = {};
        for (int band = 0; band < bands; ++band) {
          int x[kWords];
          if constexpr (kMostBands == 1) {
            for (int w = 0; w < kWords; ++w) x[w] = __shfl_sync(kAllLanes, own_words[w], r);
          } else {
            const int* row = query_frames + std::int64_t{block + r} * words;
            roll_words(row + band * kWords, pair.roll, x);
          }
#pragma unroll
          for (int j = 0; j <= kColumns; ++j) {
#pragma unroll
            for (int w = 0; w < kWords; ++w) {
              dot[j] = __dp4a(x[w], y.word(band * kWords + w, j), dot[j]);
            }
          }
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
  const int bands = songs.chroma.bands;
  const std::int64_t values = songs.frames * bands * kWords + songs.count * statistics_of(bands);
  return (static_cast<std::size_t>(values) * sizeof(int) + 255) / 256 * 256;
}

struct Prepared {
  int* frames;
  float* statistics;
};

template <int kMostBands>
Prepared prepare(const AlignmentSongs& songs, void* memory, cudaStream_t stream) {
  auto* frames = static_cast<int*>(memory);
  auto* statistics = reinterpret_cast<float*>(frames + songs.frames * songs.chroma.bands * kWords);
  launch(prepare_songs<kMostBands>,
         {.grid = static_cast<unsigned>(songs.count), .block = kPrepareThreads, .stream = stream},
         songs, frames, statistics);
  return {frames, statistics};
}

template <int kMostBands>
void run(const AlignmentSongs& queries, const AlignmentSongs& candidates,
         const AlignmentPair* pairs, std::int64_t count, std::int64_t at_once,
         const AlignmentParams& params, void* scratch, float* scores, cudaStream_t stream) {
  auto* memory = static_cast<unsigned char*>(scratch);
  const Prepared query = prepare<kMostBands>(queries, memory, stream);
  memory += prepared_bytes(queries);
  const Prepared candidate = prepare<kMostBands>(candidates, memory, stream);
  memory += prepared_bytes(candidates);
  constexpr int kThreads = align_threads(kMostBands), kPairs = kThreads / kWarpThreads;
  for (std::int64_t first = 0; first < count; first += at_once) {
    const std::int64_t some = std::min(at_once, count - first);
    launch(align_pairs<kMostBands>,
           {.grid = static_cast<unsigned>((some + kPairs - 1) / kPairs),
            .block = kThreads,
            .shared_bytes = LaneFrames<kMostBands>::shared_bytes(queries.chroma.bands),
            .stream = stream},
           queries, query.frames, candidates, candidate.frames, candidate.statistics, pairs + first,
           some, params, reinterpret_cast<int*>(memory), scores + first);
  }
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
  const auto run_it = queries.chroma.bands == 1 ? run<1> : run<kMaxBands>;
  run_it(queries, candidates, pairs, count, at_once, params, scratch, scores, stream);
}

}  // namespace reprise::kernels
