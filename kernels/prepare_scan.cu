// Vectors quantised for a scan: one warp a row. Scales and bounds are computed in double precision
// and rounded up, so that they hold (see scan_rows.cuh).
#include "reduce.cuh"
#include "scan_rows.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = kThreads / kWarpThreads;  // of a block
constexpr double kRoundUp = 1 + 0x1p-20;        // more than conversion to float takes away

__global__ void __launch_bounds__(kThreads)
    quantise(const float* vectors, std::int64_t count, int dims, ScanFormat format, void* scan) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRows + threadIdx.x / kWarpThreads;
  const int lane = threadIdx.x % kWarpThreads;
  if (row >= count) return;
  const ScanRows rows(vectors, scan, count, dims, format);
  const float* x = vectors + row * dims;
  float largest = 0;
  for (int d = lane; d < dims; d += kWarpThreads) largest = fmaxf(largest, fabsf(x[d]));
  largest = warp_max(largest);
  const float scale = format == ScanFormat::int8 ? largest / 127 : 1.f;

  auto* values = const_cast<unsigned char*>(rows.values) + row * rows.stride;
  const int room = static_cast<int>(rows.stride / scan_element_bytes(format));
  double square = 0, quantised_square = 0, lost_square = 0;
  for (int d = lane; d < room; d += kWarpThreads) {
    const float value = d < dims ? x[d] : 0.f;
    double quantised = value;
    if (format == ScanFormat::int8) {
      const float steps = scale > 0 ? fminf(fmaxf(rintf(value / scale), -127.f), 127.f) : 0.f;
      values[d] = static_cast<unsigned char>(static_cast<signed char>(steps));
      quantised = static_cast<double>(steps) * scale;
    } else if (format == ScanFormat::bf16) {
      const __nv_bfloat16 rounded = __float2bfloat16(value);
      reinterpret_cast<__nv_bfloat16*>(values)[d] = rounded;
      quantised = __bfloat162float(rounded);
    } else {
      reinterpret_cast<float*>(values)[d] = value;
    }
    square += static_cast<double>(value) * value;
    quantised_square += quantised * quantised;
    lost_square += (value - quantised) * (value - quantised);
  }
  square = warp_sum(square);
  quantised_square = warp_sum(quantised_square);
  lost_square = warp_sum(lost_square);
  if (lane != 0) return;
  const_cast<float*>(rows.scale)[row] = scale;
  const_cast<float*>(rows.residual)[row] = static_cast<float>(sqrt(lost_square) * kRoundUp);
  const_cast<float*>(rows.norm)[row] =
      static_cast<float>(sqrt(fmax(square, quantised_square)) * kRoundUp);
}

}  // namespace

std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) {
  return static_cast<std::size_t>(count) * (scan_stride(dims, format) + 3 * sizeof(float));
}

void prepare_scan(const ops::PrepareScan& op, cudaStream_t stream) {
  if (op.count == 0) return;
  launch(quantise,
         {.grid = static_cast<unsigned>((op.count + kRows - 1) / kRows),
          .block = kThreads,
          .stream = stream},
         op.vectors, op.count, op.dims, op.format, op.scan);
}

}  // namespace reprise::kernels
