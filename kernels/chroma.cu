// Chroma of audio (definition in reprise/audio.h), before and after the transforms, which are
// cuFFT's:
//   windows  windows of the samples, weighted
//   power    what the spectra say of each fine bin, added up over a frame's windows in their order
//   tuning   of a song, in double precision, from the power of its frames
//   notes    a frame's notes with their strengths once partials are assigned, folded to chroma
// Windows are taken a few at a time, so that they and their spectra stay in the second-level cache;
// of a song, device memory sees the samples once and the power (a tenth of them) three times.
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kFramesTogether = 8;  // of a block of notes: a value of the matrix serves as many
constexpr int kMostNotes = 128;

// Grid (windows).
__global__ void __launch_bounds__(kThreads)
    weight_windows(const float* samples, const std::int64_t* starts, int window, const float* hann,
                   float* windowed) {
  samples += starts[blockIdx.x];
  windowed += std::int64_t{blockIdx.x} * window;
  for (int i = threadIdx.x; i < window; i += kThreads) windowed[i] = samples[i] * hann[i];
}

// A thread a frame and hat.
__global__ void __launch_bounds__(kThreads)
    pool_spectra(ChromaSpectra s, ChromaHats hats, int bins, float* power) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t frame = s.first_frame + at / hats.count;
  const int h = static_cast<int>(at % hats.count);
  if (frame > s.last_frame) return;
  const std::int64_t begin = s.window_of[frame], end = s.window_of[frame + 1];
  const auto share = static_cast<float>(end - begin);
  const int first = hats.first[h], weight = hats.begin[h], taps = hats.begin[h + 1] - weight;
  float* out = power + frame * bins + hats.first_bin + h;
  float total = begin < s.first ? *out : 0.f;
  const auto* spectra = reinterpret_cast<const float2*>(s.spectra) + first;
  for (std::int64_t w = max(begin, s.first); w < min(end, s.first + s.count); ++w) {
    const float2* x = spectra + (w - s.first) * (hats.window / 2 + 1);
    float sum = 0;
    for (int k = 0; k < taps; ++k) {
      sum += hats.weights[weight + k] * (x[k].x * x[k].x + x[k].y * x[k].y);
    }
    total += sum / share;
  }
  *out = total;
}

// Grid (songs); a warp a frame. A mean of directions, each frame's weighted by the square root of
// its power.
__global__ void __launch_bounds__(kThreads)
    find_tuning(const float* power, int bins, const ChromaSong* songs, double* tuning) {
  REPRISE_SHARED(double, scratch, [kWarpThreads]);
  constexpr double kTurn = 6.283185307179586;
  constexpr int kWarps = kThreads / kWarpThreads;
  const ChromaSong song = songs[blockIdx.x];
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  constexpr int kStep = kWarpThreads / kFineBins * kFineBins;
  static_assert(kFineBins == 3);
  const int place = lane % kFineBins;
  const double x = place == 0 ? 1 : -0.5;  // the direction of a third of a turn
  const double y = (place == 0 ? 0 : place == 1 ? 0.5 : -0.5) * 1.7320508075688772;
  double real = 0, imaginary = 0;  // of the warp's frames
  for (std::int64_t t = warp; t < song.tuning_frames; t += kWarps) {
    const float* frame = power + (song.first_frame + t) * bins;
    // Bins of one place in the semitone fall to one lane.
    double sum = 0;
    for (int b = lane; lane < kStep && b < bins; b += kStep) sum += frame[b];
    const double total = warp_sum(sum);
    if (total > 0) {  // the same in every lane
      const double weight = 1 / sqrt(total);
      real += warp_sum(x * sum) * weight;
      imaginary += warp_sum(y * sum) * weight;
    }
  }
  real = block_sum(lane == 0 ? real : 0.0, scratch);
  imaginary = block_sum(lane == 0 ? imaginary : 0.0, scratch);
  if (threadIdx.x == 0) {
    tuning[blockIdx.x] = real == 0 && imaginary == 0 ? 0 : atan2(imaginary, real) / kTurn;
  }
}

// Grid (blocks of frames, songs), a thread a note.
__global__ void __launch_bounds__(kMostNotes)
    explain_partials(const float* power, int bins, const ChromaSong* songs, const double* tuning,
                     ChromaNotes n, float* chroma) {
  REPRISE_DYNAMIC_SHARED(float, gram);  // [notes, stride], then two of strengths [notes, frames]
  REPRISE_SHARED(float, folded, [kFramesTogether * kPitchClasses]);
  const ChromaSong song = songs[blockIdx.y];
  const std::int64_t first = std::int64_t{blockIdx.x} * kFramesTogether;
  if (first >= song.frames) return;
  const int frames = static_cast<int>(min(song.frames - first, std::int64_t{kFramesTogether}));
  power += (song.first_frame + first) * bins;
  chroma += (song.first_frame + first) * kPitchClasses;
  const int note = threadIdx.x;
  const bool sounds = note < n.notes;
  float* strengths = gram + n.notes * n.stride;
  const int strengths_size = n.notes * kFramesTogether;
  for (int i = threadIdx.x; i < n.notes * n.stride; i += blockDim.x) gram[i] = n.gram[i];

  float hats[2 * kFineMargin + 1];
  const double semitones = tuning ? tuning[blockIdx.y] : 0;
  for (int i = -kFineMargin; i <= kFineMargin; ++i) {
    hats[i + kFineMargin] =
        static_cast<float>(max(0.0, 1 - 1.5 * fabs(double(i) / kFineBins - semitones)));
  }
  float a[kFramesTogether] = {};
  for (int f = 0; f < kFramesTogether; ++f) {
    float sum = 0;
    for (int i = 0; sounds && f < frames && i < 2 * kFineMargin + 1; ++i) {
      sum += hats[i] * power[f * bins + note * kFineBins + i];
    }
    a[f] = sqrtf(sum);
  }
  const auto publish = [&](float* to) {
    if (!sounds) return;
    for (int f = 0; f < kFramesTogether; ++f) to[note * kFramesTogether + f] = a[f];
  };
  publish(strengths);
  __syncthreads();

  float matches[kFramesTogether] = {}, loudest[kFramesTogether] = {};
  for (int j = 0; j < n.notes; ++j) {
    const float d = sounds ? n.dictionary[j * n.stride + note] : 0.f;
    for (int f = 0; f < kFramesTogether; ++f) {
      const float y = strengths[j * kFramesTogether + f];
      matches[f] += d * y;
      loudest[f] = fmaxf(loudest[f], y);
    }
  }
  for (int update = 0; update < n.updates; ++update) {
    float explained[kFramesTogether] = {};
    for (int j = 0; j < n.notes; ++j) {
      const float g = sounds ? gram[j * n.stride + note] : 0.f;
      for (int f = 0; f < kFramesTogether; ++f) {
        explained[f] += g * strengths[j * kFramesTogether + f];
      }
    }
    for (int f = 0; f < kFramesTogether; ++f) {
      a[f] = explained[f] > 0 ? a[f] * (matches[f] / explained[f]) : 0.f;
    }
    // The other half: some thread may still read this one.
    strengths = gram + n.notes * n.stride + (update % 2 == 0 ? strengths_size : 0);
    publish(strengths);
    __syncthreads();
  }

  for (int at = threadIdx.x; at < kFramesTogether * kPitchClasses; at += blockDim.x) {
    const int f = at / kPitchClasses, c = at % kPitchClasses;
    float sum = 0;
    for (int j = (c + 12 * kPitchClasses - n.lowest) % kPitchClasses; j < n.notes;
         j += kPitchClasses) {
      sum += strengths[j * kFramesTogether + f];
    }
    folded[at] = sum;
  }
  __syncthreads();
  for (int f = 0; f < kFramesTogether; ++f) {
    if (f >= frames) break;
    float largest = 0;
    for (int c = 0; c < kPitchClasses; ++c) {
      largest = fmaxf(largest, folded[f * kPitchClasses + c]);
    }
    if (threadIdx.x < kPitchClasses) {
      const bool silent = loudest[f] < n.floor || !(largest > 0);
      chroma[f * kPitchClasses + threadIdx.x] =
          silent ? 0.f : folded[f * kPitchClasses + threadIdx.x] / largest;
    }
  }
}

unsigned blocks_of(std::int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

}  // namespace

void chroma_windows(const float* samples, const std::int64_t* starts, std::int64_t count,
                    int window, const float* hann, float* windowed, cudaStream_t stream) {
  if (count == 0) return;
  launch(weight_windows,
         {.grid = static_cast<unsigned>(count), .block = kThreads, .stream = stream}, samples,
         starts, window, hann, windowed);
}

void chroma_power(const ChromaSpectra& spectra, const ChromaHats& hats, int bins, float* power,
                  cudaStream_t stream) {
  if (spectra.count == 0) return;
  const std::int64_t frames = spectra.last_frame - spectra.first_frame + 1;
  launch(pool_spectra,
         {.grid = blocks_of(frames * hats.count), .block = kThreads, .stream = stream}, spectra,
         hats, bins, power);
}

void chroma_tuning(const float* power, int bins, const ChromaSong* songs, std::int64_t count,
                   double* tuning, cudaStream_t stream) {
  if (count == 0) return;
  launch(find_tuning, {.grid = static_cast<unsigned>(count), .block = kThreads, .stream = stream},
         power, bins, songs, tuning);
}

void chroma_notes(const float* power, int bins, const ChromaSong* songs, std::int64_t count,
                  std::int64_t longest, const double* tuning, const ChromaNotes& notes,
                  float* chroma, cudaStream_t stream) {
  if (count == 0 || longest == 0) return;
  const int values = notes.notes * (notes.stride + 2 * kFramesTogether);
  launch(explain_partials,
         {.grid = {static_cast<unsigned>((longest + kFramesTogether - 1) / kFramesTogether),
                   static_cast<unsigned>(count)},
          .block =
              static_cast<unsigned>((notes.notes + kWarpThreads - 1) / kWarpThreads * kWarpThreads),
          .shared_bytes = sizeof(float) * static_cast<std::size_t>(values),
          .stream = stream},
         power, bins, songs, tuning, notes, chroma);
}

}  // namespace reprise::kernels
