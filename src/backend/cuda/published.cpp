// The published fingerprints.

#include "backend/cuda/cuda_backend.h"

namespace reprise::cuda {

void CudaBackend::ftm2d(ChromaView, const Excerpt*, std::int64_t, const Ftm2dParams&, float*) {
  decline("no 2DFTM yet");
}

void CudaBackend::covariance(ChromaView, const Excerpt*, std::int64_t, float*) {
  decline("no covariance yet");
}

void CudaBackend::correlation(ChromaView, const Excerpt*, std::int64_t, float*) {
  decline("no correlation yet");
}

}  // namespace reprise::cuda
