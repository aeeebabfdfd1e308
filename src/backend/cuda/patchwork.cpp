#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Patchwork& op) {
  kernels::patchwork(op, stream_.get());
}

}  // namespace reprise::cuda
