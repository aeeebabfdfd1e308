// The stages of event networks.

#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::event_layer_forward(const float* x, std::int64_t count, const float* weights,
                                      const EventLayerParams& params, float* out,
                                      std::int32_t* winners) {
  kernels::event_layer_forward(x, count, weights, params, out, winners, stream_.get());
}

void CudaBackend::event_layer_backward(const float* x, std::int64_t count, const float* weights,
                                       const EventLayerParams& params, const float* out,
                                       const std::int32_t* winners, const float* out_gradient,
                                       float* gradient, float* x_gradient) {
  kernels::event_layer_backward(x, count, weights, params, out, winners, out_gradient, gradient,
                                x_gradient, stream_.get());
}

}  // namespace reprise::cuda
