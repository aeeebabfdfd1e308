#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Similarities& op) {
  kernels::similarities(op, stream_.get());
}

}  // namespace reprise::cuda
