// Products between the rows of a batch, a few hundred of a few thousand values each: too few and
// too long for a general matrix product, which would spend as long on its copies of them.

#include "backend/cpu/row_products.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/row_products.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/parallel.h"

#ifndef REPRISE_ROW_PRODUCTS_BLOCKS_
#define REPRISE_ROW_PRODUCTS_BLOCKS_
namespace reprise::cpu {

// Of the inner products: the rows of a tile of sums, of a task, and the terms that it sums up at a
// time. A task reads its rows from the third cache once: two blocks of so many rows and terms stay
// in the second, those of a tile in the first.
constexpr std::int64_t kBlockRows = 24;
constexpr std::int64_t kTaskRows = 48;
constexpr std::int64_t kBlockTerms = 480;

// Of the weighted sums: a panel of all rows stays in the first cache.
constexpr int kPanelColumns = 32;

}  // namespace reprise::cpu
#endif  // REPRISE_ROW_PRODUCTS_BLOCKS_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// s [a_rows, stride] = the products of every row at a with every row at b. Where b is a, blocks
// below the diagonal are left out.
void block_products(const float* a, std::int64_t a_rows, const float* b, std::int64_t b_rows,
                    int dims, float* s, std::int64_t stride) {
  const float* row[kBlockRows];
  float sums[kBlockRows * kBlockRows];
  const int whole = dims / kLanes * kLanes;  // nothing behind a row may be read
  for (std::int64_t i = 0; i < a_rows; ++i)
    for (std::int64_t j = 0; j < b_rows; ++j) {
      float rest = 0;
      for (int d = whole; d < dims; ++d) rest += a[i * dims + d] * b[j * dims + d];
      s[i * stride + j] = rest;
    }
  for (std::int64_t first = 0; first < whole; first += kBlockTerms) {
    const std::int64_t terms = std::min(kBlockTerms, whole - first);
    for (std::int64_t top = 0; top < a_rows; top += kBlockRows)
      for (std::int64_t left = a == b ? top : 0; left < b_rows; left += kBlockRows) {
        const std::int64_t as = std::min(kBlockRows, a_rows - top);
        const std::int64_t bs = std::min(kBlockRows, b_rows - left);
        for (std::int64_t j = 0; j < bs; ++j) row[j] = b + (left + j) * dims + first;
        inner_products(a + top * dims + first, static_cast<int>(as), dims, row,
                       static_cast<int>(bs), terms, sums, kBlockRows);
        for (std::int64_t i = 0; i < as; ++i)
          for (std::int64_t j = 0; j < bs; ++j)
            s[(top + i) * stride + left + j] += sums[i * kBlockRows + j];
      }
  }
}

// weights [rows, rows], the same in every run of columns that a tile takes side by side.
void pack_row_weights(const float* weights, std::int64_t rows, float* packed) {
  for_even_pieces<tile_rows(2)>(static_cast<int>(rows), [&]<int R>(int first) HWY_ATTR {
    for (std::int64_t i = 0; i < rows; ++i, packed += R)
      for (int r = 0; r < R; ++r) packed[r] = weights[i * rows + first + r];
  });
}

// sums [rows, stride] of a panel.
void sum_panel(const float* const* row, int rows, const float* packed, float* sums,
               std::int64_t stride) {
  for_even_pieces<tile_rows(2)>(rows, [&]<int R>(int first) HWY_ATTR {
    float* to = sums + first * stride;
    for (int t = 0; t < kPanelColumns; t += 2 * kLanes)
      convolve_tile<2, R>(row, rows, packed, R, t, to, stride);
    packed += rows * R;
  });
}

// Columns of the weighted sums, kPanelColumns at most. panel: room for [2, rows, kPanelColumns].
void panel_sums(std::int64_t rows, int dims, const float* packed, const float* z, int first,
                float* panel, const float** row, float* out) {
  const int columns = std::min(kPanelColumns, dims - first);
  for (std::int64_t b = 0; b < rows; ++b) {
    float* to = panel + b * kPanelColumns;
    std::memcpy(to, z + b * dims + first, static_cast<std::size_t>(columns) * sizeof(float));
    std::fill(to + columns, to + kPanelColumns, 0.0f);
    row[b] = to;
  }
  const int count = static_cast<int>(rows);
  if (columns == kPanelColumns) {
    sum_panel(row, count, packed, out + first, dims);
    return;
  }
  float* sums = panel + rows * kPanelColumns;
  sum_panel(row, count, packed, sums, kPanelColumns);
  for (std::int64_t a = 0; a < rows; ++a)
    std::copy_n(sums + a * kPanelColumns, columns, out + a * dims + first);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(block_products);
HWY_EXPORT(pack_row_weights);
HWY_EXPORT(panel_sums);

void inner_products_of_rows(std::int64_t rows, int dims, const float* z, float* s, int threads,
                            MathMode math) {
  if (math == MathMode::bf16) return bfloat16_inner_products_of_rows(rows, dims, z, s, threads);
  const std::int64_t blocks = (rows + kTaskRows - 1) / kTaskRows;
  parallel_for(blocks * blocks, threads, [&](std::int64_t block, int) {
    const std::int64_t a = block / blocks * kTaskRows, b = block % blocks * kTaskRows;
    if (b < a) return;
    const std::int64_t a_rows = std::min(kTaskRows, rows - a);
    const std::int64_t b_rows = std::min(kTaskRows, rows - b);
    HWY_DYNAMIC_DISPATCH(block_products)
    (z + a * dims, a_rows, z + b * dims, b_rows, dims, s + a * rows + b, rows);
    for (std::int64_t i = 0; i < a_rows; ++i)
      for (std::int64_t j = b == a ? i + 1 : 0; j < b_rows; ++j)
        s[(b + j) * rows + a + i] = s[(a + i) * rows + b + j];
  });
}

void weighted_sums_of_rows(std::int64_t rows, int dims, const float* weights, const float* z,
                           float* out, int threads, MathMode math) {
  if (math == MathMode::bf16)
    return bfloat16_weighted_sums_of_rows(rows, dims, weights, z, out, threads);
  struct Scratch {
    Floats panel;
    std::vector<const float*> row;
  };
  Floats packed;
  HWY_DYNAMIC_DISPATCH(pack_row_weights)(weights, rows, packed.resize(rows * rows));
  std::vector<Scratch> scratch(threads);
  const int panels = (dims + kPanelColumns - 1) / kPanelColumns;
  parallel_for(panels, threads, [&](std::int64_t i, int member) {
    Scratch& mine = scratch[member];
    mine.row.resize(static_cast<std::size_t>(rows));
    HWY_DYNAMIC_DISPATCH(panel_sums)
    (rows, dims, packed.data(), z, static_cast<int>(i) * kPanelColumns,
     mine.panel.resize(2 * rows * kPanelColumns), mine.row.data(), out);
  });
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
