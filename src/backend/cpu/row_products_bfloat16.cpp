// The products of row_products.cpp by bfloat16 instructions: twice the multiply-adds of single
// precision, and half the bytes.

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/avx512_products.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/row_products.h"

namespace reprise::cpu {
namespace {

// Rows and words of the inner products that a task takes at a time: two blocks stay in the second
// cache.
constexpr std::int64_t kBlockRows = 24;
constexpr std::int64_t kBlockWords = 1920;

// Panels of the weighted sums that a task takes: what it reads and writes of a row lies together.
constexpr std::int64_t kTaskPanels = 4;

// The rows that a tile of weighted sums begins with, and last `rows`: even pieces.
std::vector<std::int64_t> tiles_of(std::int64_t rows) {
  const std::int64_t count = (rows + kAvx512TileRows - 1) / kAvx512TileRows;
  std::vector<std::int64_t> first;
  for (std::int64_t t = 0; t <= count; ++t) first.push_back(rows * t / count);
  return first;
}

}  // namespace

bool bfloat16_products() {
  return avx512_bfloat16_rows() && avx512_bfloat16_tiles();
}

void bfloat16_inner_products_of_rows(std::int64_t rows, int dims, const float* z, float* s,
                                     int threads) {
  const Bfloat16Rows& ops = *avx512_bfloat16_rows();
  const std::int64_t words = (dims + 31) / 32 * 16;
  std::vector<std::uint32_t> packed(static_cast<std::size_t>(rows * words));
  parallel_for(rows, threads, [&](std::int64_t a, int) {
    ops.pack(z + a * dims, dims, words, packed.data() + a * words);
  });
  const std::int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  parallel_for(blocks * blocks, threads, [&](std::int64_t block, int) {
    const std::int64_t a = block / blocks * kBlockRows, b = block % blocks * kBlockRows;
    if (b < a) return;
    const std::int64_t a_rows = std::min(kBlockRows, rows - a);
    const std::int64_t b_rows = std::min(kBlockRows, rows - b);
    float sums[kBlockRows * kBlockRows] = {};
    for (std::int64_t w = 0; w < words; w += kBlockWords)
      ops.add_products(packed.data() + a * words + w, a_rows, packed.data() + b * words + w, b_rows,
                       words, std::min(kBlockWords, words - w), sums, kBlockRows);
    for (std::int64_t i = 0; i < a_rows; ++i)
      for (std::int64_t j = 0; j < b_rows; ++j)
        s[(b + j) * rows + a + i] = s[(a + i) * rows + b + j] = sums[i * kBlockRows + j];
  });
}

void bfloat16_weighted_sums_of_rows(std::int64_t rows, int dims, const float* weights,
                                    const float* z, float* out, int threads) {
  const Bfloat16Rows& ops = *avx512_bfloat16_rows();
  const ProductTile* products = avx512_bfloat16_tiles();
  const std::int64_t depth = (rows + 1) / 2;
  const std::vector<std::int64_t> tiles = tiles_of(rows);
  const auto pair = [&](const float* from, std::int64_t w, std::int64_t stride, std::int64_t count,
                        std::uint32_t* to) {
    const float* even = from + 2 * w * stride;
    ops.interleave(even, 2 * w + 1 < rows ? even + stride : nullptr, count, to);
  };
  // Of each tile [depth, rows of the tile].
  std::vector<std::uint32_t> of_tiles(static_cast<std::size_t>(rows * depth));
  std::vector<std::uint32_t> row(static_cast<std::size_t>(rows));
  for (std::int64_t w = 0; w < depth; ++w) {
    pair(weights, w, rows, rows, row.data());
    for (std::size_t t = 0; t + 1 < tiles.size(); ++t) {
      const std::int64_t first = tiles[t], size = tiles[t + 1] - first;
      std::copy_n(row.data() + first, size, of_tiles.data() + first * depth + w * size);
    }
  }
  std::vector<std::vector<std::uint32_t>> bodies(static_cast<std::size_t>(threads));
  const std::int64_t panels = (dims + kPanel - 1) / kPanel;
  const std::int64_t body_words = depth * kPanel;
  parallel_for((panels + kTaskPanels - 1) / kTaskPanels, threads, [&](std::int64_t i, int member) {
    const std::int64_t begin = i * kTaskPanels, end = std::min(panels, begin + kTaskPanels);
    std::vector<std::uint32_t>& body = bodies[static_cast<std::size_t>(member)];
    body.resize(static_cast<std::size_t>(kTaskPanels * body_words));
    const auto columns_of = [&](std::int64_t panel) {
      return std::min<std::int64_t>(kPanel, dims - panel * kPanel);
    };
    for (std::int64_t w = 0; w < depth; ++w)
      for (std::int64_t p = begin; p < end; ++p)
        pair(z + p * kPanel, w, dims, columns_of(p),
             body.data() + (p - begin) * body_words + w * kPanel);
    for (std::size_t t = 0; t + 1 < tiles.size(); ++t) {
      const std::int64_t a = tiles[t], size = tiles[t + 1] - a;
      for (std::int64_t p = begin; p < end; ++p) {
        alignas(64) float sums[kAvx512TileRows * kPanel];
        products[size - 1](body.data() + (p - begin) * body_words, of_tiles.data() + a * depth,
                           nullptr, depth, sums);
        float* to = out + a * dims + p * kPanel;
        for (std::int64_t r = 0; r < size; ++r, to += dims) {
          if (columns_of(p) == kPanel) {
            std::memcpy(to, sums + r * kPanel, kPanel * sizeof(float));
          } else {
            std::copy_n(sums + r * kPanel, columns_of(p), to);
          }
        }
      }
    }
  });
}

}  // namespace reprise::cpu
