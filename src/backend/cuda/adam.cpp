#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Adam& op) {
  kernels::adam(op, stream_.get());
}

}  // namespace reprise::cuda
