// Chroma in, chroma out.

#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                            PatchworkParams params, float* out) {
  kernels::patchwork(chroma, excerpts, count, params, out, stream_.get());
}

void CudaBackend::augment(ChromaView chroma, const Take* takes, std::int64_t count,
                          AugmentParams params, float* out, Excerpt* out_excerpts) {
  void* scratch = scratch_->take(kernels::augment_scratch_bytes(params, count));
  kernels::augment(chroma, takes, count, params, scratch, out, out_excerpts, stream_.get());
}

}  // namespace reprise::cuda
