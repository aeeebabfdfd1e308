#pragma once

// Row-z local alignment as plain loops over its definition, in double precision: the truth.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "oracle_published.h"
#include "reprise/params.h"

namespace reprise::oracle {

/// Centred, normalised frames [frames, 12 * bands] of an excerpt.
inline std::vector<double> alignment_frames(ChromaView chroma, const Excerpt& excerpt) {
  std::vector<double> x = rolled_chroma<double>(chroma, excerpt);
  const std::int64_t frames = excerpt.frames;
  const int width = kPitchClasses * chroma.bands;
  std::vector<double> mean(width, 0);
  for (std::int64_t i = 0; i < frames * width; ++i) mean[i % width] += x[i] / double(frames);
  for (std::int64_t t = 0; t < frames; ++t) {
    double square = kAlignmentFloor;
    for (int c = 0; c < width; ++c) {
      x[t * width + c] -= mean[c];
      square += x[t * width + c] * x[t * width + c];
    }
    for (int c = 0; c < width; ++c) x[t * width + c] /= std::sqrt(square);
  }
  return x;
}

/// The same rounded as back ends keep them.
inline std::vector<double> rounded_frames(std::vector<double> x) {
  for (double& value : x) value = std::round(value * kAlignmentScale) / kAlignmentScale;
  return x;
}

/// z_ij and sigma_i of the states of frames x [n, width] against those of y [m, width].
struct RowScores {
  std::int64_t n, m;
  std::vector<double> z;      ///< [n, m]
  std::vector<double> sigma;  ///< [n]
};

inline RowScores row_scores(const std::vector<double>& x, const std::vector<double>& y,
                            int width = kPitchClasses) {
  const auto frames = [&](const auto& v) { return std::int64_t(v.size()) / width; };
  RowScores r{frames(x), frames(y), {}, {}};
  for (std::int64_t i = 0; i < r.n; ++i) {
    std::vector<double> dot(r.m, 0);
    double mu = 0, variance = 0;
    for (std::int64_t j = 0; j < r.m; ++j) {
      for (std::int64_t k = 0; k < kStateFrames && k <= std::min(i, j); ++k)
        for (int c = 0; c < width; ++c) dot[j] += x[(i - k) * width + c] * y[(j - k) * width + c];
      mu += dot[j] / double(r.m);
    }
    // X^T cov(Y) X is the variance of the products.
    for (const double value : dot) variance += (value - mu) * (value - mu) / double(r.m);
    r.sigma.push_back(std::sqrt(variance + kAlignmentVariance));
    for (const double value : dot) r.z.push_back((value - mu) / r.sigma.back());
  }
  return r;
}

/// A = max H where the score of cell (i, j) is s(i, j).
inline double best_path(std::int64_t n, std::int64_t m,
                        const std::function<double(std::int64_t, std::int64_t)>& s) {
  std::vector<double> h(n * m, 0);
  const auto at = [&](std::int64_t i, std::int64_t j) { return i < 0 || j < 0 ? 0 : h[i * m + j]; };
  double best = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j) {
      const double before = std::max({at(i - 1, j - 1), at(i - 2, j - 1), at(i - 1, j - 2)});
      h[i * m + j] = std::max(0.0, s(i, j) + before);
      best = std::max(best, h[i * m + j]);
    }
  return std::min(best, double{kAlignmentLimit});
}

inline double alignment(const RowScores& r, const AlignmentParams& params) {
  return best_path(r.n, r.m, [&](std::int64_t i, std::int64_t j) {
    return std::min(double{params.cap}, r.z[i * r.m + j] - double{params.offset});
  });
}

}  // namespace reprise::oracle
