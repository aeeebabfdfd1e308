// How a search is cut into blocks. Plain values, made on the host and passed to the kernels.
#pragma once

#include <cstdint>

#include <reprise/params.h>

namespace reprise::kernels {

REPRISE_HOST_DEVICE constexpr int scan_element_bytes(ScanFormat format) {
  return format == ScanFormat::fp32 ? 4 : format == ScanFormat::bf16 ? 2 : 1;
}
/// Bytes of a prepared row: whole pairs of 16-byte pieces.
REPRISE_HOST_DEVICE constexpr std::int64_t scan_stride(int dims, ScanFormat format) {
  // A row of floats faces one of bfloat16 to its end.
  const std::int64_t unit = format == ScanFormat::fp32 ? 64 : 32;
  return (std::int64_t{dims} * scan_element_bytes(format) + unit - 1) / unit * unit;
}

inline constexpr int kMaxSearchWidth = 256;  ///< candidates that a pass keeps of a query, at most
inline constexpr int kMaxStreamRows = 12;    ///< query keys that search_scan takes at a time
inline constexpr int kStreamTile = 256;      ///< candidates that a block of it takes at a time
inline constexpr int kGemmRows = 128;        ///< likewise of search_gemm
inline constexpr int kGemmTile = 64;

}  // namespace reprise::kernels
