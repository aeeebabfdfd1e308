// Two-dimensional Fourier transform magnitudes of chroma patches (Bertin-Mahieux & Ellis 2012), for
// each band, time frequency l and pitch frequency k the median or mean over a song's patches of
//   |sum_t sum_c x[t,c] exp(-2 pi i (k c / 12 + l t / patch))|
// in three steps:
//   pitch_transform  of each frame, raised to a power: the sum over c, for k = 0..6
//   pool_magnitudes  a thread for each (band, k, l): slides along the song and pools
//   spread           the other k, which mirror these; unit length
// As patches overlap, a run of them is summed at once: what all have in common once, before it the
// sums of the last frames up to it, behind it those of the first frames from it (van Herk 1992; Gil
// & Werman 1993), so that nothing is ever subtracted and silence stays silence. The phase may be
// counted from the run's start, as a magnitude does not depend on it. The median is found by
// walking along the song again, not by keeping the magnitudes: a walk stays in registers and shared
// memory, where the magnitudes of a song would be a hundred times its chroma. Device memory sees
// the frames' transforms, and otherwise chroma and results.
#include <algorithm>

#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kPitchBins = kPitchClasses / 2 + 1;  // as x is real, |F(-l, -k)| = |F(l, k)|
constexpr int kSharedFrames = 4096;  // a longer song's transforms are read from device memory
constexpr int kRun = 32;             // patches summed at once
constexpr int kTurns = 16;           // frames that a turn is followed for from an exact one
constexpr int kDigits = 16;          // that a walk tells apart

__device__ float raise(float value, float power) {
  if (power == 1) return value;
  return power == 2 ? value * value : powf(value, power);
}

__device__ float2 multiply(float2 a, float2 b) {
  return {a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x};
}

// Scratch memory: [bands, kPitchBins, frames] and [songs, bands, kPitchBins, patch].
struct Ftm2dScratch {
  float2* spectrum;
  float* pooled;
  Ftm2dScratch(std::int64_t frames, int bands, void* memory)
      : spectrum(static_cast<float2*>(memory)),
        pooled(reinterpret_cast<float*>(spectrum + frames * bands * kPitchBins)) {}
};

// Grid (songs, blocks of frames, bands). spectrum [bands, kPitchBins, frames of all songs]. What
// lies past a song's end, up to the next one's start, is zero.
__global__ void __launch_bounds__(kThreads)
    pitch_transform(ChromaView chroma, Ftm2dSongs songs, Ftm2dParams params, float2* spectrum) {
  constexpr float h = 0.8660254f;  // sqrt(3) / 2
  constexpr float cosine[kPitchClasses] = {1, h, .5f, 0, -.5f, -h, -1, -h, -.5f, 0, .5f, h};
  const std::int64_t first = songs.start[blockIdx.x], end = songs.start[blockIdx.x + 1];
  const Excerpt excerpt = songs.excerpts[songs.excerpt_of[blockIdx.x]];
  const int low = blockIdx.z * kPitchClasses;
  spectrum += blockIdx.z * kPitchBins * songs.start[gridDim.x];
  for (std::int64_t t = std::int64_t{blockIdx.y} * kThreads + threadIdx.x; t < end - first;
       t += std::int64_t{gridDim.y} * kThreads) {
    float x[kPitchClasses] = {};
    if (t < excerpt.frames) {
      float square = 0, raised_square = 0;
      for (int c = 0; c < kPitchClasses; ++c) {
        x[c] = chroma.at(excerpt.first + t, low + c);
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
#pragma unroll
    for (int k = 0; k < kPitchBins; ++k) {
      float2 sum{};
#pragma unroll
      for (int c = 0; c < kPitchClasses; ++c) {
        sum.x += x[c] * cosine[k * c % kPitchClasses];
        sum.y += x[c] * cosine[(k * c + 3) % kPitchClasses];  // -sin
      }
      spectrum[k * songs.start[gridDim.x] + first + t] = sum;
    }
  }
}

// Calls body(t, turn) for `count` frames t from `begin` on, upwards or (kStep = -1) downwards, with
// turn = exp(-2 pi i l t / patch). turns [patch]: those of l = 1.
template <int kStep, typename Body>
__device__ void for_each_turn(int begin, int count, int l, int patch, const float2* turns,
                              Body body) {
  float2 step = turns[l];
  step.y *= kStep;
  for (int done = 0; done < count; done += kTurns) {
    int t = begin + kStep * done;
    float2 turn = turns[t % patch * l % patch];
    for (const int end = t + kStep * min(kTurns, count - done); t != end; t += kStep) {
      body(t, turn);
      turn = multiply(turn, step);
    }
  }
}

// Calls visit(|.|^2) for each patch of a song in turn, at time frequency l. x: the transforms of
// the song's frames; tails: shared, this thread's column of [kRun, stride].
template <typename Visit>
__device__ void walk(const float2* x, int patches, int l, const Ftm2dParams& params,
                     const float2* turns, float2* tails, int stride, Visit visit) {
  const int patch = params.patch, hop = params.hop;
  const int most = min(kRun, 1 + (patch - 1) / hop);  // patches of a run have frames in common
  for (int first = 0; first < patches; first += most) {
    const float2* from = x + std::int64_t{first} * hop;
    const int apart = (min(most, patches - first) - 1) * hop;  // the last patch from the first
    float2 sum{};
    const auto add = [&](int t, float2 turn) {
      const float2 value = from[t];
      sum.x += value.x * turn.x - value.y * turn.y;
      sum.y += value.x * turn.y + value.y * turn.x;
    };
    int due = hop, at = apart / hop;
    tails[at * stride] = sum;
    for_each_turn<-1>(apart - 1, apart, l, patch, turns, [&](int t, float2 turn) {
      add(t, turn);
      if (--due > 0) return;
      tails[--at * stride] = sum;
      due = hop;
    });
    sum = {};
    for_each_turn<1>(apart, patch - apart, l, patch, turns, add);
    const auto visit_next = [&] {
      const float2 tail = tails[at++ * stride];
      const float real = tail.x + sum.x, imaginary = tail.y + sum.y;
      visit(real * real + imaginary * imaginary);
      due = hop;
    };
    visit_next();
    for_each_turn<1>(patch, apart, l, patch, turns, [&](int t, float2 turn) {
      add(t, turn);
      if (--due == 0) visit_next();
    });
  }
}

// Mean of the two middle roots of the squares that walk_all(visit) visits, `count` of them. Floats
// that are not negative are ordered as their bits are: each walk tells apart kDigits parts of the
// range in which the lower middle lies, until it holds no more than kDigits values. One place
// walks, so that every walk sees the same bits. slots: shared, this thread's column of [kDigits,
// stride].
template <typename Walk>
__device__ float median(int count, Walk walk_all, unsigned* slots, int stride) {
  enum class Pass { range, count, gather };
  const int wanted = (count - 1) / 2;
  unsigned low = ~0u, high = 0, above = 0;  // `above`: the least beyond the range
  int below = 0, inside = count, shift = 0;
  for (Pass pass = Pass::range;;) {
    int gathered = 0;
    above = 0x7f800000u;
    if (pass == Pass::count) {
      for (int digit = 0; digit < kDigits; ++digit) slots[digit * stride] = 0;
    }
    walk_all([&](float square) {
      const unsigned bits = __float_as_uint(square);
      if (pass == Pass::range) {
        low = min(low, bits);
        high = max(high, bits);
      } else if (bits > high) {
        above = min(above, bits);
      } else if (bits >= low) {
        if (pass == Pass::count) {
          ++slots[((bits - low) >> shift) * stride];
        } else if (low < high) {
          slots[gathered++ * stride] = bits;
        }
      }
    });
    if (pass == Pass::gather) break;
    if (pass == Pass::count) {
      int digit = 0;
      while (below + static_cast<int>(slots[digit * stride]) <= wanted) {
        below += slots[digit++ * stride];
      }
      inside = slots[digit * stride];
      low += static_cast<unsigned>(digit) << shift;
      high = min(high, low + (1u << shift) - 1);
    }
    pass = inside > kDigits && low < high ? Pass::count : Pass::gather;
    shift = max(0, 28 - __clz(static_cast<int>(high - low)));
  }
  for (int i = 1; low < high && i < inside; ++i) {
    const unsigned bits = slots[i * stride];
    int at = i;
    for (; at > 0 && slots[(at - 1) * stride] > bits; --at)
      slots[at * stride] = slots[(at - 1) * stride];
    slots[at * stride] = bits;
  }
  const auto root = [&](int rank) {
    const unsigned bits = rank >= inside ? above : low < high ? slots[rank * stride] : low;
    return sqrtf(__uint_as_float(bits));
  };
  return 0.5f * (root(wanted - below) + root(count / 2 - below));
}

// Grid (songs, bands * kPitchBins, blocks of time frequencies). pooled [songs, bands, kPitchBins,
// patch]: of k = 0 and 6, whose other half mirrors it, only l <= patch / 2.
__global__ void __launch_bounds__(kThreads, 8)  // 64 registers a thread: no spills
    pool_magnitudes(Ftm2dSongs songs, Ftm2dParams params, const float2* spectrum, float* pooled) {
  REPRISE_DYNAMIC_SHARED(float2, tails);      // [kRun, blockDim]
  float2* turns = tails + kRun * blockDim.x;  // [patch]
  float2* held = turns + params.patch;        // [kSharedFrames] at most
  REPRISE_SHARED(unsigned, slots, [kDigits * kThreads]);
  const int k = blockIdx.y % kPitchBins, patch = params.patch;
  const std::int64_t first = songs.start[blockIdx.x];
  const auto frames = static_cast<int>(songs.start[blockIdx.x + 1] - first);
  const int patches = 1 + (frames - patch) / params.hop;
  const float2* x = spectrum + blockIdx.y * songs.start[gridDim.x] + first;
  for (int t = threadIdx.x; t < patch; t += blockDim.x) {
    const int near = 2 * t > patch ? t - patch : t;  // the smaller an angle, the more exact
    sincospif(static_cast<float>(-2 * near) / static_cast<float>(patch), &turns[t].y, &turns[t].x);
  }
  if (frames <= kSharedFrames) {
    for (int t = threadIdx.x; t < frames; t += blockDim.x) held[t] = x[t];
  }
  __syncthreads();
  const int l = blockIdx.z * blockDim.x + threadIdx.x;
  if (l >= patch || (k % (kPitchBins - 1) == 0 && 2 * l > patch)) return;
  const auto walk_all = [&](auto visit) {
    walk(frames <= kSharedFrames ? held : x, patches, l, params, turns, tails + threadIdx.x,
         blockDim.x, visit);
  };
  float result = 0;
  if (params.median) {
    result = median(patches, walk_all, slots + threadIdx.x, kThreads);
  } else {
    walk_all([&](float square) { result += sqrtf(square); });
    result /= static_cast<float>(patches);
  }
  pooled[(std::int64_t{blockIdx.x} * gridDim.y + blockIdx.y) * patch + l] = result;
}

// Grid (songs). out [excerpts, dims]: the same for all excerpts of a song.
__global__ void __launch_bounds__(kThreads)
    spread(Ftm2dSongs songs, Ftm2dParams params, const float* pooled, float* out) {
  REPRISE_SHARED(float, scratch, [kWarpThreads]);
  pooled += std::int64_t{blockIdx.x} * params.bands * kPitchBins * params.patch;
  const auto value_of = [&](int at) {
    int l = at / kPitchClasses, k = at % kPitchClasses, band = 0;
    for (; l >= params.patch; ++band) l -= params.patch;
    if (k >= kPitchBins || (k % (kPitchBins - 1) == 0 && 2 * l > params.patch)) {
      l = (params.patch - l) % params.patch;
      k = (kPitchClasses - k) % kPitchClasses;
    }
    return pooled[(band * kPitchBins + k) * params.patch + l];
  };
  float length = 1;
  if (params.unit_norm) {
    float square = 0;
    for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
      square += value_of(at) * value_of(at);
    }
    length = sqrtf(block_sum(square, scratch));
  }
  for (std::int64_t e = songs.excerpt_of[blockIdx.x]; e < songs.excerpt_of[blockIdx.x + 1]; ++e) {
    for (int at = threadIdx.x; at < params.dims(); at += kThreads) {
      out[e * params.dims() + at] = length > 0 ? value_of(at) / length : 0.f;
    }
  }
}

}  // namespace

std::size_t ftm2d_scratch_bytes(std::int64_t songs, std::int64_t frames,
                                const Ftm2dParams& params) {
  return static_cast<std::size_t>(params.bands * kPitchBins) *
         (static_cast<std::size_t>(frames) * sizeof(float2) +
          static_cast<std::size_t>(songs * params.patch) * sizeof(float));
}

void ftm2d(ChromaView chroma, const Ftm2dSongs& songs, const Ftm2dParams& params, void* scratch,
           float* out, cudaStream_t stream) {
  if (songs.count == 0) return;
  const Ftm2dScratch arrays(songs.frames, params.bands, scratch);
  const auto count = static_cast<unsigned>(songs.count);
  const auto bands = static_cast<unsigned>(params.bands);
  const auto blocks = static_cast<unsigned>((songs.longest + kThreads - 1) / kThreads);
  launch(pitch_transform,
         {.grid = {count, std::min(blocks, 65535u), bands}, .block = kThreads, .stream = stream},
         chroma, songs, params, arrays.spectrum);
  const auto warps = static_cast<unsigned>((params.patch + kWarpThreads - 1) / kWarpThreads);
  const unsigned threads = std::min<unsigned>(warps * kWarpThreads, kThreads);
  const std::int64_t held = std::min<std::int64_t>(songs.longest, kSharedFrames);
  launch(pool_magnitudes,
         {.grid = {count, bands * kPitchBins,
                   (static_cast<unsigned>(params.patch) + threads - 1) / threads},
          .block = threads,
          .shared_bytes =
              sizeof(float2) * (kRun * threads + static_cast<std::size_t>(params.patch + held)),
          .stream = stream},
         songs, params, arrays.spectrum, arrays.pooled);
  launch(spread, {.grid = count, .block = kThreads, .stream = stream}, songs, params, arrays.pooled,
         out);
}

}  // namespace reprise::kernels
