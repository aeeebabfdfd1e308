#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

std::size_t CudaBackend::scan_bytes(std::int64_t count, int dims, ScanFormat format) const {
  return format == ScanFormat::fp32 ? 0 : kernels::scan_bytes(count, dims, format);
}

void CudaBackend::perform(const ops::PrepareScan& op) {
  if (op.format != ScanFormat::fp32) kernels::prepare_scan(op, stream_.get());
}

}  // namespace reprise::cuda
