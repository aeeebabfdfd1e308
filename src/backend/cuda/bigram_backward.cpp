#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::BigramBackward& op) {
  void* scratch = scratch_->take(
      kernels::bigram_backward_scratch_bytes(op.params, op.songs.count, op.songs.longest));
  kernels::bigram_backward(op, math_, scratch, stream_.get());
}

}  // namespace reprise::cuda
