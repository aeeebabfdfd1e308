#include "core/linear_algebra.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

std::vector<float> normal_rows(std::int64_t count, int dims, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> rows(count * dims);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = random.normal() / static_cast<float>(1 + i % dims) + 1;
  return rows;
}

// [[2, 1], [1, 2]] has eigenvalues 3 along (1, 1) and 1 along (1, -1). The upper triangle is not
// read.
TEST(LinearAlgebra, EigenvectorsHandWorked) {
  const std::vector<double> matrix = {2, std::numeric_limits<double>::quiet_NaN(), 1, 2};
  const SymmetricEigen eigen = largest_eigenvectors(matrix, 2, 2);
  const double half = std::sqrt(0.5);
  EXPECT_NEAR(eigen.values[0], 3, 1e-14);
  EXPECT_NEAR(eigen.values[1], 1, 1e-14);
  EXPECT_NEAR(eigen.vectors[0], half, 1e-14);
  EXPECT_NEAR(eigen.vectors[1], half, 1e-14);
  EXPECT_NEAR(std::abs(eigen.vectors[2]), half, 1e-14);
  EXPECT_NEAR(eigen.vectors[2], -eigen.vectors[3], 1e-14);

  EXPECT_EQ(largest_eigenvectors(matrix, 2, 1).values.size(), 1u);
  EXPECT_EQ(largest_eigenvectors(matrix, 2, 0).values.size(), 0u);
  EXPECT_EQ(largest_eigenvectors(matrix, 2, 5).values.size(), 2u);
}

TEST(LinearAlgebra, EigenvectorsSatisfyTheirEquation) {
  constexpr int n = 60, k = 7;
  const std::vector<float> rows = normal_rows(100, n, 1);
  std::vector<double> matrix(n * n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      for (int r = 0; r < 100; ++r) matrix[i * n + j] += double{rows[r * n + i]} * rows[r * n + j];
  const SymmetricEigen eigen = largest_eigenvectors(matrix, n, k);
  for (int v = 0; v < k; ++v) {
    const double* vector = eigen.vectors.data() + v * n;
    double largest = 0;
    for (int i = 0; i < n; ++i) {
      double product = 0;
      for (int j = 0; j < n; ++j) product += matrix[i * n + j] * vector[j];
      EXPECT_NEAR(product, eigen.values[v] * vector[i], 1e-12 * eigen.values[0]);
      if (std::abs(vector[i]) > std::abs(largest)) largest = vector[i];
    }
    EXPECT_GT(largest, 0);
    for (int w = 0; w <= v; ++w) {
      double product = 0;
      for (int j = 0; j < n; ++j) product += vector[j] * eigen.vectors[w * n + j];
      EXPECT_NEAR(product, v == w ? 1 : 0, 1e-12);
    }
    if (v > 0) {
      EXPECT_LE(eigen.values[v], eigen.values[v - 1]);
    }
  }
  EXPECT_EQ(eigen.vectors, largest_eigenvectors(matrix, n, k).vectors);
}

TEST(LinearAlgebra, EigenvectorsRefuseWhatIsNotFinite) {
  const std::vector<double> matrix = {1, 0, std::numeric_limits<double>::infinity(), 1};
  EXPECT_THROW(largest_eigenvectors(matrix, 2, 1), Error);
}

// The matrix above: 3^(-1/2) (1,1)(1,1)^T / 2 + (1,-1)(1,-1)^T / 2.
TEST(LinearAlgebra, InverseSquareRoot) {
  const std::vector<double> root = inverse_square_root(std::vector<double>{2, 1, 1, 2}, 2);
  const double along = 1 / std::sqrt(3.0);
  EXPECT_NEAR(root[0], (along + 1) / 2, 1e-14);
  EXPECT_NEAR(root[1], (along - 1) / 2, 1e-14);
  EXPECT_NEAR(root[2], (along - 1) / 2, 1e-14);
  EXPECT_NEAR(root[3], (along + 1) / 2, 1e-14);
  EXPECT_THROW(inverse_square_root(std::vector<double>{1, 1, 1, 1}, 2), Error);
  EXPECT_THROW(inverse_square_root(std::vector<double>{-1, 0, 0, -1}, 2), Error);
  EXPECT_THROW(inverse_square_root(std::vector<double>{0, 0, 0, 0}, 2), Error);
}

// [1 2; 3 4] times [5 6 7; 8 9 10], and the first by itself transposed.
TEST(LinearAlgebra, Products) {
  const std::vector<double> a = {1, 2, 3, 4}, b = {5, 6, 7, 8, 9, 10};
  std::vector<double> out(6);
  multiply(a.data(), b.data(), 2, 3, 2, out.data());
  EXPECT_EQ(out, (std::vector<double>{21, 24, 27, 47, 54, 61}));
  std::vector<double> square(4);
  multiply_transposed(a.data(), a.data(), 2, 2, 2, square.data());
  EXPECT_EQ(square, (std::vector<double>{5, 11, 11, 25}));
  const std::vector<float> c = {1, 2, 3, 4};
  std::vector<float> single(4);
  multiply_transposed(c.data(), c.data(), 2, 2, 2, single.data());
  EXPECT_EQ(single, (std::vector<float>{5, 11, 11, 25}));
}

// Points on the line (1, 2) + s (3, 4) / 5 for s = -2, -1, 0, 3: variance (4 + 1 + 9) / 3 along it.
// The second direction has no variance; in three dimensions there are fewer rows than dims + 1.
TEST(Pca, HandWorked) {
  std::vector<float> rows;
  for (const float s : {-2.0f, -1.0f, 0.0f, 3.0f}) {
    rows.push_back(1 + s * 0.6f);
    rows.push_back(2 + s * 0.8f);
  }
  const Pca pca = fit_pca(rows.data(), 4, 2, 2);
  ASSERT_EQ(pca.components, 2);
  EXPECT_NEAR(pca.mean[0], 1, 1e-6);
  EXPECT_NEAR(pca.mean[1], 2, 1e-6);
  EXPECT_NEAR(pca.variances[0], 14.0 / 3, 1e-5);
  EXPECT_NEAR(pca.variances[1], 0, 1e-12);
  EXPECT_NEAR(pca.vectors[0], 0.6, 1e-6);
  EXPECT_NEAR(pca.vectors[1], 0.8, 1e-6);
  std::vector<float> out(8);
  pca.project(rows.data(), 4, out.data());
  const float expected[] = {-2, -1, 0, 3};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(out[2 * i], expected[i], 1e-5);
    EXPECT_NEAR(out[2 * i + 1], 0, 1e-5);
  }
}

// The same subspace whether the covariance or the Gram matrix is decomposed: rows taken twice have
// the same eigenvectors, and are more than the dims.
TEST(Pca, FewRowsAndManyRowsAgree) {
  constexpr int rows = 30, dims = 40, components = 6;
  std::vector<float> few = normal_rows(rows, dims, 2);
  std::vector<float> many = few;
  many.insert(many.end(), few.begin(), few.end());
  const Pca a = fit_pca(few.data(), rows, dims, components);
  const Pca b = fit_pca(many.data(), 2 * rows, dims, components);
  for (int i = 0; i < components * dims; ++i) EXPECT_NEAR(a.vectors[i], b.vectors[i], 1e-9);
  for (int k = 0; k < components; ++k)
    EXPECT_NEAR(a.variances[k] * (rows - 1), b.variances[k] * (2 * rows - 1) / 2, 1e-9);
}

TEST(Pca, DirectionsWithoutVarianceAreZero) {
  const std::vector<float> same(5 * 8, 0.25f);
  const Pca pca = fit_pca(same.data(), 5, 8, 10);
  EXPECT_EQ(pca.components, 4);
  for (const double value : pca.vectors) EXPECT_EQ(value, 0);
  EXPECT_THROW(fit_pca(same.data(), 1, 8, 1), Error);
}

TEST(LinearAlgebra, ScaleToUnit) {
  std::vector<float> values = {3, 4, 0, 0, -2, 0};
  scale_to_unit(values, 2);
  EXPECT_EQ(values, (std::vector<float>{0.6f, 0.8f, 0, 0, -1, 0}));
}

}  // namespace
}  // namespace reprise
