#include "core/logistic.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace reprise {
namespace {

constexpr int kRounds = 100;
constexpr double kConverged = 1e-10;  // largest change of a weight
constexpr double kPenalty = 1;

// Solves matrix [n, n] x = right, symmetric and positive definite, in place (Cholesky).
void solve(std::vector<double>& matrix, std::vector<double>& right) {
  const std::size_t n = right.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= matrix[i * n + k] * matrix[j * n + k];
      matrix[i * n + j] = i == j ? std::sqrt(sum) : sum / matrix[j * n + j];
    }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) right[i] -= matrix[i * n + k] * right[k];
    right[i] /= matrix[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) right[i] -= matrix[k * n + i] * right[k];
    right[i] /= matrix[i * n + i];
  }
}

// -log likelihood plus penalty.
double cost(std::span<const double> x, std::span<const std::uint8_t> labels,
            const std::vector<double>& w) {
  const std::size_t n = w.size();
  double sum = 0;
  for (std::size_t c = 0; c + 1 < n; ++c) sum += kPenalty / 2 * w[c] * w[c];
  for (std::size_t r = 0; r < labels.size(); ++r) {
    double at = 0;
    for (std::size_t c = 0; c < n; ++c) at += w[c] * x[r * n + c];
    // log(1 + exp(-a)) without overflow, a being the log odds of the true label.
    const double a = labels[r] ? at : -at;
    sum += std::max(-a, 0.0) + std::log1p(std::exp(-std::abs(a)));
  }
  return sum;
}

}  // namespace

double probability_of(double log_odds) {
  return 1 / (1 + std::exp(-log_odds));
}

std::vector<double> fit_logistic(std::span<const double> rows, int columns,
                                 std::span<const std::uint8_t> labels) {
  const auto positive = std::count_if(labels.begin(), labels.end(), [](auto l) { return l != 0; });
  const auto count = static_cast<std::ptrdiff_t>(labels.size());
  if (positive == 0 || positive == count) return {};
  const auto n = static_cast<std::size_t>(columns) + 1;

  std::vector<double> mean(n, 0.0), scale(n, 1.0);  // the constant is left as it is
  for (std::size_t c = 0; c + 1 < n; ++c) {
    double square = 0;
    for (std::size_t r = 0; r < labels.size(); ++r)
      mean[c] += rows[r * (n - 1) + c] / static_cast<double>(count);
    for (std::size_t r = 0; r < labels.size(); ++r) {
      const double d = rows[r * (n - 1) + c] - mean[c];
      square += d * d / static_cast<double>(count);
    }
    // What rounding leaves of a constant column is no variation.
    scale[c] = std::sqrt(square) > 1e-9 * std::abs(mean[c]) ? 1 / std::sqrt(square) : 0;
  }
  std::vector<double> x(labels.size() * n, 1.0);
  for (std::size_t r = 0; r < labels.size(); ++r)
    for (std::size_t c = 0; c + 1 < n; ++c)
      x[r * n + c] = (rows[r * (n - 1) + c] - mean[c]) * scale[c];

  std::vector<double> w(n, 0.0);
  double now = cost(x, labels, w);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> hessian(n * n, 0.0), step(n, 0.0);  // step: minus the gradient at first
    for (std::size_t c = 0; c + 1 < n; ++c) {
      hessian[c * n + c] = kPenalty;
      step[c] = -kPenalty * w[c];
    }
    hessian[n * n - 1] = 1e-12;  // all probabilities may be 0 or 1 to working precision
    for (std::size_t r = 0; r < labels.size(); ++r) {
      double at = 0;
      for (std::size_t c = 0; c < n; ++c) at += w[c] * x[r * n + c];
      const double p = probability_of(at);
      for (std::size_t c = 0; c < n; ++c) {
        step[c] += ((labels[r] ? 1 : 0) - p) * x[r * n + c];
        for (std::size_t d = 0; d <= c; ++d)
          hessian[c * n + d] += p * (1 - p) * x[r * n + c] * x[r * n + d];
      }
    }
    solve(hessian, step);
    // Halved until it helps: a full step may overshoot far from the optimum.
    std::vector<double> next(n);
    double after = 0, largest = 0;
    for (double part = 1; part > 1e-6; part /= 2) {
      largest = 0;
      for (std::size_t c = 0; c < n; ++c) {
        next[c] = w[c] + part * step[c];
        largest = std::max(largest, std::abs(part * step[c]));
      }
      after = cost(x, labels, next);
      if (after <= now) break;
    }
    if (!(after <= now)) break;  // rounding noise is all that is left
    w = next;
    now = after;
    if (largest < kConverged) break;
  }

  for (std::size_t c = 0; c + 1 < n; ++c) {
    w[c] *= scale[c];
    w[n - 1] -= w[c] * mean[c];
  }
  return w;
}

}  // namespace reprise
