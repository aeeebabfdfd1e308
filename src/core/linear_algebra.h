#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

// Dense linear algebra on the host. Matrices are row-major. BLAS runs on one thread here, so that
// results do not depend on the machine's number of cores.

/// Eigenvectors of a symmetric matrix.
struct SymmetricEigen {
  std::vector<double> values;  ///< [k], descending
  std::vector<double>
      vectors;  ///< [k, n], rows of length 1, the component of largest magnitude > 0
};

/// The k eigenvectors of largest eigenvalue of a symmetric matrix [n, n], of which only the lower
/// triangle is read. Throws Error where LAPACK fails (a matrix that is not finite, say).
SymmetricEigen largest_eigenvectors(std::span<const double> matrix, int n, int k);

/// The symmetric inverse square root [n, n] of a symmetric positive definite matrix [n, n]. Throws
/// Error for a matrix that is not, to working precision.
std::vector<double> inverse_square_root(std::span<const double> matrix, int n);

/// out [m, n] = a [m, inner] b [inner, n].
void multiply(const double* a, const double* b, std::int64_t m, std::int64_t n, std::int64_t inner,
              double* out);
/// out [m, n] = a [m, inner] b^T, b [n, inner].
void multiply_transposed(const double* a, const double* b, std::int64_t m, std::int64_t n,
                         std::int64_t inner, double* out);
void multiply_transposed(const float* a, const float* b, std::int64_t m, std::int64_t n,
                         std::int64_t inner, float* out);

/// Principal component analysis: centred, not whitened.
struct Pca {
  int dims = 0;
  int components = 0;
  std::vector<double> mean;       ///< [dims]
  std::vector<double> vectors;    ///< [components, dims], rows of length 1, by descending variance
  std::vector<double> variances;  ///< [components], with count - 1 as the denominator

  /// out [count, components] = (rows [count, dims] - mean) vectors^T.
  void project(const float* rows, std::int64_t count, float* out) const;
};

/// Fits at most `components` principal components, no more than count - 1 and dims, to
/// rows [count, dims]. A direction without variance has a vector of zeros. Throws Error where
/// count < 2.
Pca fit_pca(const float* rows, std::int64_t count, int dims, int components);

/// Scales each vector of values [count, dims] to length 1; zero vectors stay zero.
void scale_to_unit(std::span<float> values, int dims);

}  // namespace reprise
