#include "backend/cpu/row_products.h"

#include <gtest/gtest.h>

#include "bfloat16.h"
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

// Products of bfloat16 are exact in single precision, sums are as good as a plain loop's.
TEST(RowProducts, ProductsOfBfloat16AreThoseOfRoundedValues) {
  if (!cpu::bfloat16_products()) GTEST_SKIP() << "no AVX-512 BF16";
  const auto rounded = [](std::vector<float> values) {
    for (float& x : values) x = to_bfloat16(x);
    return values;
  };
  for (const auto [rows, dims] : kSizes) {
    const std::vector<float> z = random_values(rows * dims, 1, 1);
    const std::vector<float> weights = random_values(rows * rows, 1, 2);
    const std::vector<float> zr = rounded(z), wr = rounded(weights);
    std::vector<double> inner(rows * rows), sums(rows * dims);
    std::vector<float> plain_inner(rows * rows), plain_sums(rows * dims);
    for (std::int64_t a = 0; a < rows; ++a)
      for (std::int64_t b = 0; b < rows; ++b)
        for (int d = 0; d < dims; ++d) {
          inner[a * rows + b] += double(zr[a * dims + d]) * double(zr[b * dims + d]);
          plain_inner[a * rows + b] += zr[a * dims + d] * zr[b * dims + d];
          sums[a * dims + d] += double(wr[b * rows + a]) * double(zr[b * dims + d]);
          plain_sums[a * dims + d] += wr[b * rows + a] * zr[b * dims + d];
        }
    for (const int threads : {1, 3}) {
      std::vector<float> found(rows * rows);
      cpu::inner_products_of_rows(rows, dims, z.data(), found.data(), threads, MathMode::bf16);
      expect_close(found, inner, plain_inner, "inner products");
      found.resize(rows * dims);
      cpu::weighted_sums_of_rows(rows, dims, weights.data(), z.data(), found.data(), threads,
                                 MathMode::bf16);
      expect_close(found, sums, plain_sums, "weighted sums");
    }
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
