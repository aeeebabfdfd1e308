// Two-dimensional Fourier transform magnitudes of chroma patches (Bertin-Mahieux & Ellis 2012),
// before and after the transforms, which are cuFFT's:
//   power   the frames of all songs one after another, raised to a power
//   pool    the median or mean over a song's patches of the magnitude of each bin, unit length
// Patches overlap in memory, hence are never copied: the transforms read patch p from frame p *
// hop. A song therefore begins at a multiple of hop, and transforms that straddle two songs are
// unused.
#include <algorithm>

#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kPitchBins = kPitchClasses / 2 + 1;  // the other five mirror these

__device__ float raise(float value, float power) {
  if (power == 1) return value;
  return power == 2 ? value * value : powf(value, power);
}

// Grid (songs, blocks of frames). frames [all, 12]; what lies past a song's end is set to zero up
// to the next song.
__global__ void __launch_bounds__(kThreads)
    raise_frames(ChromaView chroma, Ftm2dSongs songs, Ftm2dParams params, float* frames) {
  const std::int64_t first = songs.start[blockIdx.x], end = songs.start[blockIdx.x + 1];
  const Excerpt excerpt = songs.excerpts[songs.excerpt_of[blockIdx.x]];
  for (std::int64_t t = std::int64_t{blockIdx.y} * kThreads + threadIdx.x; t < end - first;
       t += std::int64_t{gridDim.y} * kThreads) {
    float x[kPitchClasses] = {};
    if (t < excerpt.frames) {
      float square = 0, raised_square = 0;
      for (int c = 0; c < kPitchClasses; ++c) {
        x[c] = chroma.at(excerpt.first + t, c);
        square += x[c] * x[c];
      }
      const float norm = params.keep_norm ? sqrtf(square) : 1.f;
      if (norm > 0) {
        for (int c = 0; c < kPitchClasses; ++c) {
          x[c] = raise(x[c] / norm, params.power);
          raised_square += x[c] * x[c];
        }
        const float factor = params.keep_norm ? norm / sqrtf(raised_square) : 1.f;
        for (int c = 0; c < kPitchClasses; ++c) x[c] *= factor;
      }
    }
    for (int c = 0; c < kPitchClasses; ++c) frames[(first + t) * kPitchClasses + c] = x[c];
  }
}

// Lower middle of `count` squares, found four bits at a time, as floats that are not negative are
// ordered as their bits are; `below` gets how many are less, `equal` how many are the same.
// counts: shared, this thread's column of [16, kThreads].
template <typename SquareOf>
__device__ unsigned middle(std::int64_t count, SquareOf square, int* counts, int& below,
                           int& equal) {
  const int wanted = static_cast<int>((count - 1) / 2);
  unsigned found = 0;
  below = 0;
  for (int shift = 28; shift >= 0; shift -= 4) {
    for (int digit = 0; digit < 16; ++digit) counts[digit * kThreads] = 0;
    for (std::int64_t p = 0; p < count; ++p) {
      const unsigned bits = __float_as_uint(square(p));
      if (shift == 28 || bits >> (shift + 4) == found >> (shift + 4)) {
        ++counts[(bits >> shift & 15) * kThreads];
      }
    }
    int digit = 0;
    while (below + counts[digit * kThreads] <= wanted) below += counts[digit++ * kThreads];
    equal = counts[digit * kThreads];
    found |= static_cast<unsigned>(digit) << shift;
  }
  return found;
}

// Grid (songs). spectrum [positions / hop, patch, kPitchBins]: of the patch that begins at each
// multiple of hop. out [excerpts, dims].
__global__ void __launch_bounds__(kThreads, 4)  // 64 registers a thread: no spills
    pool_magnitudes(Ftm2dSongs songs, Ftm2dParams params, const float2* spectrum, float* out) {
  REPRISE_DYNAMIC_SHARED(float, pooled);  // [patch, kPitchBins]
  REPRISE_SHARED(int, counts, [16 * kThreads]);
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  const std::int64_t begin = songs.excerpt_of[blockIdx.x], end = songs.excerpt_of[blockIdx.x + 1];
  const int bins = params.patch * kPitchBins;
  const std::int64_t frames = max(songs.excerpts[begin].frames, params.patch);
  const std::int64_t patches = 1 + (frames - params.patch) / params.hop;
  spectrum += songs.start[blockIdx.x] / params.hop * bins;
  for (int bin = threadIdx.x; bin < bins; bin += kThreads) {
    const auto square = [&](std::int64_t p) {
      const float2 value = spectrum[p * bins + bin];
      return value.x * value.x + value.y * value.y;
    };
    if (params.median) {
      int below, equal;
      const unsigned low = middle(patches, square, counts + threadIdx.x, below, equal);
      unsigned high = low;
      if (patches % 2 == 0 && below + equal <= patches / 2) {  // the next larger
        high = 0x7f800000u;
        for (std::int64_t p = 0; p < patches; ++p) {
          const unsigned bits = __float_as_uint(square(p));
          if (bits > low) high = min(high, bits);
        }
      }
      pooled[bin] = 0.5f * (sqrtf(__uint_as_float(low)) + sqrtf(__uint_as_float(high)));
    } else {
      float sum = 0;
      for (std::int64_t p = 0; p < patches; ++p) sum += sqrtf(square(p));
      pooled[bin] = sum / static_cast<float>(patches);
    }
  }
  __syncthreads();

  const auto value_of = [&](int at) {
    const int l = at / kPitchClasses, k = at % kPitchClasses;
    return k < kPitchBins
               ? pooled[l * kPitchBins + k]
               : pooled[(params.patch - l) % params.patch * kPitchBins + kPitchClasses - k];
  };
  float length = 1;
  if (params.unit_norm) {
    float square = 0;
    for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
      square += value_of(at) * value_of(at);
    }
    length = sqrtf(block_sum(square, scratch));
  }
  for (std::int64_t e = begin; e < end; ++e) {
    for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
      out[e * params.dims() + at] = length > 0 ? value_of(at) / length : 0.f;
    }
  }
}

}  // namespace

void ftm2d_power(ChromaView chroma, const Ftm2dSongs& songs, const Ftm2dParams& params,
                 float* frames, cudaStream_t stream) {
  if (songs.count == 0) return;
  const auto blocks = static_cast<unsigned>((songs.longest + kThreads - 1) / kThreads);
  launch(raise_frames,
         {.grid = {static_cast<unsigned>(songs.count), std::min(blocks, 65535u)},
          .block = kThreads,
          .stream = stream},
         chroma, songs, params, frames);
}

void ftm2d_pool(const Ftm2dSongs& songs, const Ftm2dParams& params, const float* spectrum,
                float* out, cudaStream_t stream) {
  if (songs.count == 0) return;
  launch(pool_magnitudes,
         {.grid = static_cast<unsigned>(songs.count),
          .block = kThreads,
          .shared_bytes = sizeof(float) * params.patch * kPitchBins,
          .stream = stream},
         songs, params, reinterpret_cast<const float2*>(spectrum), out);
}

}  // namespace reprise::kernels
