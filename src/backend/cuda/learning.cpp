// Losses, the optimiser and the projection.

#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
                       const float* scale, const LossParams& params, float* loss, float* z_gradient,
                       float* scale_gradient) {
  void* scratch = scratch_->take(kernels::loss_scratch_bytes(rows, dims));
  kernels::loss(z, works, rows, dims, scale, params, scratch, loss, z_gradient, scale_gradient,
                stream_.get());
}

void CudaBackend::adam(float* weights, float* moment1, float* moment2, const float* gradient,
                       std::int64_t count, const AdamParams& params, const AdamStep* step,
                       float* gradient_norm) {
  kernels::adam(weights, moment1, moment2, gradient, count, params, step, gradient_norm,
                stream_.get());
}

void CudaBackend::project(const float* in, std::int64_t rows, int in_dims, const float* weight,
                          const float* bias, int out_dims, float* out) {
  if (rows == 0) return;
  blas().multiply_transposed(rows, out_dims, in_dims, in, weight, out);
  kernels::unit_rows(out, rows, out_dims, bias, stream_.get());
}

}  // namespace reprise::cuda
