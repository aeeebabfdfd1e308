#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::EventLayerForward& op) {
  kernels::event_layer_forward(op, stream_.get());
}

void CudaBackend::perform(const ops::EventLayerBackward& op) {
  kernels::event_layer_backward(op, stream_.get());
}

}  // namespace reprise::cuda
