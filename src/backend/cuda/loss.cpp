#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Loss& op) {
  kernels::loss(op, scratch_->take(kernels::loss_scratch_bytes(op.rows, op.dims)), stream_.get());
}

}  // namespace reprise::cuda
