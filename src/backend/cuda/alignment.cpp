#include "backend/cuda/cuda_backend.h"

namespace reprise::cuda {

void CudaBackend::align(ChromaView, const Excerpt*, std::int64_t, ChromaView, const Excerpt*,
                        std::int64_t, const AlignmentPair*, std::int64_t, const AlignmentParams&,
                        float*) {
  decline("no alignment yet");
}

}  // namespace reprise::cuda
