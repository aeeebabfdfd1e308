#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Augment& op) {
  void* scratch = scratch_->take(kernels::augment_scratch_bytes(op.params, op.count));
  kernels::augment(op, scratch, stream_.get());
}

}  // namespace reprise::cuda
