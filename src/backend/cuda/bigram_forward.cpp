// Bigrams on the device. Without a backward to keep values for, songs are taken in as many pieces
// as the memory asks for: a song's fingerprint does not depend on the others of its call.

#include <algorithm>

#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

// Songs whose scratch memory is taken at once where no more is needed.
constexpr std::size_t kScratch = std::size_t{1} << 30;

}  // namespace

std::size_t CudaBackend::bigram_reserve(const BigramParams& params, std::int64_t count,
                                        std::int64_t) const {
  return kernels::bigram_reserve_bytes(params, count);
}

void CudaBackend::perform(const ops::BigramForward& op) {
  const std::int64_t count = op.songs.count, longest = op.songs.longest;
  if (count == 0) return;
  if (op.reserve) {
    void* scratch =
        scratch_->take(kernels::bigram_forward_scratch_bytes(op.params, count, longest));
    return kernels::bigram_forward(op, math_, scratch, stream_.get());
  }
  const std::size_t kept = kernels::bigram_reserve_bytes(op.params, 1);
  const std::size_t one = kept + kernels::bigram_forward_scratch_bytes(op.params, 1, longest);
  std::size_t most = std::min(kScratch, one * static_cast<std::size_t>(count));
  if (most > scratch_->bytes()) most = std::min(most, scratch_->bytes() + free_memory() / 2);
  const auto at_once = std::clamp<std::int64_t>(static_cast<std::int64_t>(most / one), 1, count);
  char* scratch = static_cast<char*>(scratch_->take(one * static_cast<std::size_t>(at_once)));
  for (std::int64_t first = 0; first < count; first += at_once) {
    ops::BigramForward piece = op;
    piece.songs.excerpts += first;
    piece.songs.count = std::min(at_once, count - first);
    piece.out += first * op.params.dims();
    piece.reserve = scratch;
    kernels::bigram_forward(
        piece, math_, scratch + kept * static_cast<std::size_t>(piece.songs.count), stream_.get());
  }
}

}  // namespace reprise::cuda
