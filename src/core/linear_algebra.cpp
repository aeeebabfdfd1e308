#include "core/linear_algebra.h"

#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "blas/one_thread.h"
#include "reprise/error.h"

// LAPACK's Fortran interface, which OpenBLAS carries.
extern "C" void dsyevr_(const char* job, const char* range, const char* triangle, const int* n,
                        double* a, const int* a_stride, const double* value_low,
                        const double* value_high, const int* index_low, const int* index_high,
                        const double* tolerance, int* found, double* values, double* vectors,
                        const int* vector_stride, int* support, double* work, const int* work_size,
                        int* int_work, const int* int_work_size, int* status);

namespace reprise {
namespace {

// Eigenvectors are unique up to their sign.
void fix_sign(std::span<double> vector) {
  const auto largest = std::max_element(
      vector.begin(), vector.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0)
    for (double& value : vector) value = -value;
}

// Rows are widened to double in blocks of this many, to bound memory.
constexpr std::int64_t kBlockRows = 1024;

std::vector<double> centred(const float* rows, std::int64_t count, int dims,
                            const std::vector<double>& mean) {
  std::vector<double> out(static_cast<std::size_t>(count * dims));
  for (std::int64_t r = 0; r < count; ++r)
    for (int d = 0; d < dims; ++d) out[r * dims + d] = double{rows[r * dims + d]} - mean[d];
  return out;
}

// Lower triangle of X^T X [dims, dims], X the centred rows.
std::vector<double> scatter(const float* rows, std::int64_t count, int dims,
                            const std::vector<double>& mean) {
  std::vector<double> sum(static_cast<std::size_t>(dims) * dims);
  for (std::int64_t first = 0; first < count; first += kBlockRows) {
    const std::int64_t n = std::min(kBlockRows, count - first);
    const std::vector<double> block = centred(rows + first * dims, n, dims, mean);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, dims, static_cast<int>(n), 1, block.data(),
                dims, 1, sum.data(), dims);
  }
  return sum;
}

}  // namespace

// LAPACK's relatively robust representations (Dhillon & Parlett 2004): 2.3 s for the largest 320 of
// 2,880 on one core, with no gap between eigenvalues needed, unlike subspace iteration.
SymmetricEigen largest_eigenvectors(std::span<const double> matrix, int n, int k) {
  const OneBlasThread one_thread;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j)
      if (!std::isfinite(matrix[static_cast<std::size_t>(i) * n + j]))
        throw InputError(
            fmt::format("eigenvectors: the matrix is not finite in row {}, column {}", i, j));
  SymmetricEigen result;
  k = std::min(k, n);
  if (k <= 0) return result;

  std::vector<double> a(matrix.begin(), matrix.end());
  std::vector<double> values(n);
  std::vector<double> vectors(static_cast<std::size_t>(n) * k);
  std::vector<int> support(2 * static_cast<std::size_t>(n));
  const int low = n - k + 1;
  const double unused = 0;
  const double tolerance = 0;  // the default of LAPACK
  int found = 0;
  int status = 0;
  const auto solve = [&](double* work, int work_size, int* int_work, int int_work_size) {
    // The lower triangle in row-major order is Fortran's upper triangle.
    dsyevr_("V", "I", "U", &n, a.data(), &n, &unused, &unused, &low, &n, &tolerance, &found,
            values.data(), vectors.data(), &n, support.data(), work, &work_size, int_work,
            &int_work_size, &status);
  };
  double work_size = 0;
  int int_work_size = 0;
  solve(&work_size, -1, &int_work_size, -1);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  std::vector<int> int_work(static_cast<std::size_t>(int_work_size));
  solve(work.data(), static_cast<int>(work.size()), int_work.data(),
        static_cast<int>(int_work.size()));
  if (status != 0 || found != k)
    throw InternalError(fmt::format(
        "eigenvectors: LAPACK's dsyevr gave status {} and {} of {} vectors", status, found, k));

  // LAPACK ascends, and its columns are our rows.
  for (int i = k - 1; i >= 0; --i) {
    result.values.push_back(values[i]);
    const auto vector = vectors.begin() + static_cast<std::int64_t>(i) * n;
    result.vectors.insert(result.vectors.end(), vector, vector + n);
    fix_sign({result.vectors.end() - n, result.vectors.end()});
  }
  return result;
}

std::vector<double> inverse_square_root(std::span<const double> matrix, int n) {
  SymmetricEigen eigen = largest_eigenvectors(matrix, n, n);
  const double least = eigen.values.front() * n * std::numeric_limits<double>::epsilon();
  if (!(eigen.values.back() > std::max(0.0, least)))
    throw InputError(
        fmt::format("inverse square root: eigenvalues from {} to {}: not positive definite",
                    eigen.values.back(), eigen.values.front()));
  // V^T diag(values^-1/2) V = W^T W with W = diag(values^-1/4) V.
  std::vector<double>& w = eigen.vectors;
  for (int i = 0; i < n; ++i) {
    const double factor = 1 / std::sqrt(std::sqrt(eigen.values[i]));
    for (int j = 0; j < n; ++j) w[static_cast<std::size_t>(i) * n + j] *= factor;
  }
  std::vector<double> root(static_cast<std::size_t>(n) * n);
  const OneBlasThread one_thread;
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, n, 1, w.data(), n, w.data(), n, 0,
              root.data(), n);
  return root;
}

void multiply(const double* a, const double* b, std::int64_t m, std::int64_t n, std::int64_t inner,
              double* out) {
  const OneBlasThread one_thread;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(m), static_cast<int>(n),
              static_cast<int>(inner), 1, a, static_cast<int>(inner), b, static_cast<int>(n), 0,
              out, static_cast<int>(n));
}

void multiply_transposed(const double* a, const double* b, std::int64_t m, std::int64_t n,
                         std::int64_t inner, double* out) {
  const OneBlasThread one_thread;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(m), static_cast<int>(n),
              static_cast<int>(inner), 1, a, static_cast<int>(inner), b, static_cast<int>(inner), 0,
              out, static_cast<int>(n));
}

void multiply_transposed(const float* a, const float* b, std::int64_t m, std::int64_t n,
                         std::int64_t inner, float* out) {
  const OneBlasThread one_thread;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(m), static_cast<int>(n),
              static_cast<int>(inner), 1, a, static_cast<int>(inner), b, static_cast<int>(inner), 0,
              out, static_cast<int>(n));
}

void Pca::project(const float* rows, std::int64_t count, float* out) const {
  std::vector<double> result(static_cast<std::size_t>(kBlockRows * components));
  for (std::int64_t first = 0; first < count; first += kBlockRows) {
    const std::int64_t n = std::min(kBlockRows, count - first);
    const std::vector<double> block = centred(rows + first * dims, n, dims, mean);
    multiply_transposed(block.data(), vectors.data(), n, components, dims, result.data());
    std::copy_n(result.begin(), n * components, out + first * components);
  }
}

Pca fit_pca(const float* rows, std::int64_t count, int dims, int components) {
  if (count < 2)
    throw InputError(fmt::format("PCA: expected at least two vectors, found {}", count));
  const OneBlasThread one_thread;
  Pca pca;
  pca.dims = dims;
  pca.components = static_cast<int>(std::min<std::int64_t>({components, count - 1, dims}));
  pca.mean.assign(dims, 0);
  for (std::int64_t r = 0; r < count; ++r)
    for (int d = 0; d < dims; ++d) pca.mean[d] += rows[r * dims + d];
  for (double& value : pca.mean) value /= static_cast<double>(count);

  // With fewer rows than dims the eigenvectors u of X X^T are cheaper: X^T u is one of X^T X.
  SymmetricEigen eigen;
  if (count < dims) {
    const int n = static_cast<int>(count);
    const std::vector<double> x = centred(rows, count, dims, pca.mean);
    std::vector<double> gram(static_cast<std::size_t>(n) * n);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, dims, 1, x.data(), dims, 0, gram.data(),
                n);
    eigen = largest_eigenvectors(gram, n, pca.components);
    std::vector<double> vectors(static_cast<std::size_t>(pca.components) * dims);
    multiply(eigen.vectors.data(), x.data(), pca.components, dims, n, vectors.data());
    eigen.vectors = std::move(vectors);
  } else {
    eigen = largest_eigenvectors(scatter(rows, count, dims, pca.mean), dims, pca.components);
  }

  const double least = eigen.values.front() * std::max<double>(static_cast<double>(count), dims) *
                       std::numeric_limits<double>::epsilon();
  for (int k = 0; k < pca.components; ++k) {
    const std::span<double> vector(eigen.vectors.data() + std::int64_t{k} * dims, dims);
    const bool varies = eigen.values[k] > std::max(0.0, least);
    double square = 0;
    for (const double value : vector) square += value * value;
    const double factor = varies ? 1 / std::sqrt(square) : 0;
    for (double& value : vector) value *= factor;
    fix_sign(vector);
    pca.variances.push_back(varies ? eigen.values[k] / static_cast<double>(count - 1) : 0);
  }
  pca.vectors = std::move(eigen.vectors);
  return pca;
}

void scale_to_unit(std::span<float> values, int dims) {
  for (std::size_t first = 0; first < values.size(); first += dims) {
    const std::span<float> vector = values.subspan(first, dims);
    double square = 0;
    for (const float value : vector) square += double{value} * value;
    if (square == 0) continue;
    const double factor = 1 / std::sqrt(square);
    for (float& value : vector) value = static_cast<float>(value * factor);
  }
}

}  // namespace reprise
