#include "backend/cpu/row_products.h"

#include <gtest/gtest.h>

#include "every_instruction_set.h"
#include "op_cases.h"
#include "tolerance.h"

namespace reprise {
namespace {

// Less and more than a block of rows, a block of terms, a panel of columns, a tile.
struct Size {
  std::int64_t rows;
  int dims;
};
constexpr Size kSizes[] = {{1, 1}, {2, 17}, {7, 31}, {49, 961}, {97, 40}, {130, 1000}};

TEST(RowProducts, InnerProductsEqualTheDefinition) {
  for (const auto [rows, dims] : kSizes) {
    const std::vector<float> z = random_values(rows * dims, 1, 1);
    std::vector<double> truth(rows * rows);
    std::vector<float> plain(rows * rows);
    for (std::int64_t a = 0; a < rows; ++a)
      for (std::int64_t b = 0; b < rows; ++b)
        for (int d = 0; d < dims; ++d) {
          truth[a * rows + b] += double(z[a * dims + d]) * double(z[b * dims + d]);
          plain[a * rows + b] += z[a * dims + d] * z[b * dims + d];
        }
    with_every_instruction_set([&](const char* name) {
      std::vector<float> one(rows * rows), many(rows * rows);
      cpu::inner_products_of_rows(rows, dims, z.data(), one.data(), 1);
      cpu::inner_products_of_rows(rows, dims, z.data(), many.data(), 3);
      expect_close(one, truth, plain, name);
      EXPECT_EQ(one, many) << name;
    });
  }
}

TEST(RowProducts, WeightedSumsEqualTheDefinition) {
  for (const auto [rows, dims] : kSizes) {
    const std::vector<float> z = random_values(rows * dims, 1, 1);
    const std::vector<float> weights = random_values(rows * rows, 1, 2);
    std::vector<double> truth(rows * dims);
    std::vector<float> plain(rows * dims);
    for (std::int64_t b = 0; b < rows; ++b)
      for (std::int64_t a = 0; a < rows; ++a)
        for (int d = 0; d < dims; ++d) {
          truth[a * dims + d] += double(weights[b * rows + a]) * double(z[b * dims + d]);
          plain[a * dims + d] += weights[b * rows + a] * z[b * dims + d];
        }
    with_every_instruction_set([&](const char* name) {
      std::vector<float> one(rows * dims), many(rows * dims);
      cpu::weighted_sums_of_rows(rows, dims, weights.data(), z.data(), one.data(), 1);
      cpu::weighted_sums_of_rows(rows, dims, weights.data(), z.data(), many.data(), 3);
      expect_close(one, truth, plain, name);
      EXPECT_EQ(one, many) << name;
    });
  }
}

}  // namespace
}  // namespace reprise
