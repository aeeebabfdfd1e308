#pragma once

#include <cstdint>

namespace reprise::cpu {

/// scores [rows, 32] = products of a panel's body [depth, 32] and a tile of queries [depth, rows].
/// Sums of bytes begin with start [rows].
using ProductTile = void (*)(const std::uint32_t* body, const std::uint32_t* queries,
                             const std::int32_t* start, std::int64_t depth, float* scores);

/// Tiles of 1 to 12 rows by the instructions made for quantised products, which Highway does not
/// reach: AVX-512 VNNI for bytes, AVX-512 BF16 for bfloat16. Null where the machine has none.
inline constexpr int kAvx512TileRows = 12;
const ProductTile* avx512_byte_tiles();
const ProductTile* avx512_bfloat16_tiles();

}  // namespace reprise::cpu
