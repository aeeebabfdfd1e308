#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

void CudaBackend::perform(const ops::Project& op) {
  if (op.rows == 0) return;
  blas().multiply_transposed(op.rows, op.out_dims, op.in_dims, op.in, op.weight, op.out);
  kernels::unit_rows(op.out, op.rows, op.out_dims, op.bias, stream_.get());
}

}  // namespace reprise::cuda
