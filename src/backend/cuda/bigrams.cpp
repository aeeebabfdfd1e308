// Bigrams on the device. Without a backward to keep values for, songs are taken in as many pieces
// as the memory asks for: a song's fingerprint does not depend on the others of its call.

#include <algorithm>

#include "backend/bands.h"
#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

// Songs whose scratch memory is taken at once where no more is needed.
constexpr std::size_t kScratch = std::size_t{1} << 30;
// Songs whose bigrams are held at once to be summed over the rotations.
constexpr std::int64_t kIntervalSongs = 256;

}  // namespace

std::size_t CudaBackend::bigram_reserve(const BigramParams& params, std::int64_t count,
                                        std::int64_t) const {
  return kernels::bigram_reserve_bytes(params, count);
}

void CudaBackend::bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                                 std::int64_t longest, const float* weights,
                                 const BigramParams& params, float* out, void* reserve) {
  if (count == 0) return;
  if (!params.given_events) check_bands(chroma, params.bands);
  if (reserve) {
    void* scratch = scratch_->take(kernels::bigram_forward_scratch_bytes(params, count, longest));
    return kernels::bigram_forward({chroma, excerpts, count, longest, weights}, params, arithmetic_,
                                   reserve, scratch, out, stream_.get());
  }
  const std::size_t kept = kernels::bigram_reserve_bytes(params, 1);
  const std::size_t one = kept + kernels::bigram_forward_scratch_bytes(params, 1, longest);
  std::size_t most = std::min(kScratch, one * static_cast<std::size_t>(count));
  if (most > scratch_->bytes()) most = std::min(most, scratch_->bytes() + free_memory() / 2);
  const auto at_once = std::clamp<std::int64_t>(static_cast<std::int64_t>(most / one), 1, count);
  char* scratch = static_cast<char*>(scratch_->take(one * static_cast<std::size_t>(at_once)));
  for (std::int64_t first = 0; first < count; first += at_once) {
    const std::int64_t songs = std::min(at_once, count - first);
    kernels::bigram_forward({chroma, excerpts + first, songs, longest, weights}, params,
                            arithmetic_, scratch, scratch + kept * static_cast<std::size_t>(songs),
                            out + first * params.dims(), stream_.get());
  }
}

void CudaBackend::bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                                  std::int64_t longest, const float* weights,
                                  const BigramParams& params, const float* out_gradient,
                                  const void* reserve, float* gradient, float* events_gradient) {
  if (!params.given_events) check_bands(chroma, params.bands);
  void* scratch = scratch_->take(kernels::bigram_backward_scratch_bytes(params, count, longest));
  kernels::bigram_backward({chroma, excerpts, count, longest, weights}, params, arithmetic_,
                           out_gradient, reserve, scratch, gradient, events_gradient,
                           stream_.get());
}

void CudaBackend::interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                                   std::int64_t longest, const float* weights,
                                   const BigramParams& params, float* out) {
  BigramParams plain = params;
  plain.compression = Compression::none;
  plain.unit_norm = false;
  const std::int64_t at_once = std::min(count, kIntervalSongs), dims = plain.dims();
  const DeviceMemory all(stream_, static_cast<std::size_t>(at_once * dims) * sizeof(float));
  auto* bigrams = static_cast<float*>(all.data());
  for (std::int64_t first = 0; first < count; first += at_once) {
    const std::int64_t songs = std::min(at_once, count - first);
    bigram_forward(chroma, excerpts + first, songs, longest, weights, plain, bigrams, nullptr);
    kernels::sum_rotations(bigrams, songs, plain, out + first * (dims / kPitchClasses),
                           stream_.get());
  }
}

}  // namespace reprise::cuda
