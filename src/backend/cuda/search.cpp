// Exact search.

#include "backend/cuda/cuda_backend.h"

namespace reprise::cuda {

void CudaBackend::similarities(const float*, std::int64_t, int, const float*, std::int64_t, int,
                               const float*, float*) {
  decline("no similarities yet");
}

std::size_t CudaBackend::scan_bytes(std::int64_t, int, ScanPrecision) const {
  decline("no search yet");
}

void CudaBackend::prepare_scan(const float*, std::int64_t, int, ScanPrecision, void*) {
  decline("no search yet");
}

void CudaBackend::top_k(const float*, std::int64_t, int, const Candidates&, int, std::int64_t*,
                        float*, std::int32_t*) {
  decline("no search yet");
}

}  // namespace reprise::cuda
