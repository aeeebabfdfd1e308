#pragma once

#include <cstdint>

// Products by the instructions made for quantised values, which Highway does not reach: AVX-512
// VNNI for bytes, AVX-512 BF16 for bfloat16. Two bfloat16 or four bytes are a 32-bit word.
namespace reprise::cpu {

/// scores [rows, 32] = products of a panel's body [depth, 32] and a tile of queries [depth, rows].
/// Sums of bytes begin with start [rows].
inline constexpr int kPanel = 32;
using ProductTile = void (*)(const std::uint32_t* body, const std::uint32_t* queries,
                             const std::int32_t* start, std::int64_t depth, float* scores);

/// Tiles of 1 to 12 rows. Null where the machine has no such instructions.
inline constexpr int kAvx512TileRows = 12;
const ProductTile* avx512_byte_tiles();
const ProductTile* avx512_bfloat16_tiles();

/// What row_products_bfloat16.cpp is made of. Floats are rounded to the nearest bfloat16, ties to
/// even; those below the normal numbers count as zero.
struct Bfloat16Rows {
  /// to [words], words a multiple of 16: pairs of neighbours, zeros past `count` values.
  void (*pack)(const float* values, std::int64_t count, std::int64_t words, std::uint32_t* to);
  /// to [count]: the values of two rows, pair by pair. Null: zeros.
  void (*interleave)(const float* even, const float* odd, std::int64_t count, std::uint32_t* to);
  /// s [a_rows, s_stride] += products of the rows of a and b, each of `words` words.
  void (*add_products)(const std::uint32_t* a, std::int64_t a_rows, const std::uint32_t* b,
                       std::int64_t b_rows, std::int64_t stride, std::int64_t words, float* s,
                       std::int64_t s_stride);
};
/// Null where the machine has no such instructions.
const Bfloat16Rows* avx512_bfloat16_rows();

}  // namespace reprise::cpu
