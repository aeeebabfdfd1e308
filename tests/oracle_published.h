#pragma once

// The published fingerprints as plain loops over their definitions, in any real type: in double
// they are the truth, in float the yardstick of tolerance.h.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

#include "reprise/params.h"

namespace reprise::oracle {

/// [frames, 12 * bands] of an excerpt, each band rolled.
template <class Real>
std::vector<Real> rolled_chroma(ChromaView chroma, const Excerpt& excerpt) {
  std::vector<Real> x;
  for (std::int64_t t = 0; t < excerpt.frames; ++t)
    for (int band = 0; band < chroma.bands; ++band)
      for (int c = 0; c < kPitchClasses; ++c)
        x.push_back(
            chroma.at(excerpt.first + t,
                      kPitchClasses * band + (c + kPitchClasses - excerpt.roll) % kPitchClasses));
  return x;
}

/// Covariance matrix [n, n] of rows [count, n], divided by count - 1; zeros where count < 2.
template <class Real>
std::vector<Real> covariance_matrix(const std::vector<Real>& rows, int n) {
  const auto count = static_cast<std::int64_t>(rows.size()) / n;
  std::vector<Real> mean(n, 0), matrix(n * n, 0);
  if (count < 2) return matrix;
  for (std::int64_t r = 0; r < count; ++r)
    for (int i = 0; i < n; ++i) mean[i] += rows[r * n + i];
  for (Real& value : mean) value /= static_cast<Real>(count);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      for (std::int64_t r = 0; r < count; ++r)
        matrix[i * n + j] += (rows[r * n + i] - mean[i]) * (rows[r * n + j] - mean[j]);
      matrix[i * n + j] /= static_cast<Real>(count - 1);
    }
  return matrix;
}

template <class Real>
std::vector<Real> covariance(ChromaView chroma, const Excerpt& excerpt) {
  constexpr int n = 2 * kPitchClasses;
  const std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  std::vector<Real> rows;
  for (int t = 0; t + 1 < excerpt.frames; ++t) {
    for (int c = 0; c < kPitchClasses; ++c) rows.push_back(x[t * kPitchClasses + c]);
    for (int c = 0; c < kPitchClasses; ++c)
      rows.push_back(x[(t + 1) * kPitchClasses + c] - x[t * kPitchClasses + c]);
  }
  std::vector<Real> matrix = covariance_matrix(rows, n);
  for (int i = 0; i < n; ++i) {
    Real square = 0;
    for (int j = 0; j < n; ++j) square += matrix[i * n + j] * matrix[i * n + j];
    if (square == 0) continue;
    for (int j = 0; j < n; ++j) matrix[i * n + j] /= std::sqrt(square);
  }
  return matrix;
}

template <class Real>
std::vector<Real> correlation(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> matrix =
      covariance_matrix(rolled_chroma<Real>(chroma, excerpt), kPitchClasses);
  std::vector<Real> out;
  for (int i = 0; i < kPitchClasses; ++i)
    for (int j = i + 1; j < kPitchClasses; ++j) {
      const Real both =
          std::sqrt(matrix[i * kPitchClasses + i]) * std::sqrt(matrix[j * kPitchClasses + j]);
      out.push_back(both > 0 ? matrix[i * kPitchClasses + j] / both : 0);
    }
  return out;
}

/// Magnitudes [patch, 12] of numpy.fft.fft2 of frames [patch, 12].
template <class Real>
std::vector<Real> fft2_magnitudes(const Real* frames, int patch) {
  const int turn = kPitchClasses * patch;  // the steps that all angles are multiples of
  std::vector<std::complex<Real>> phase;
  for (int i = 0; i < turn; ++i)
    phase.push_back(std::polar<Real>(
        1, -2 * std::numbers::pi_v<Real> * static_cast<Real>(i) / static_cast<Real>(turn)));
  std::vector<Real> out;
  for (int l = 0; l < patch; ++l)
    for (int k = 0; k < kPitchClasses; ++k) {
      std::complex<Real> sum = 0;
      for (int t = 0; t < patch; ++t)
        for (int c = 0; c < kPitchClasses; ++c)
          sum +=
              frames[t * kPitchClasses + c] * phase[(l * t * kPitchClasses + k * c * patch) % turn];
      out.push_back(std::abs(sum));
    }
  return out;
}

/// Magnitudes [patch, 12] of one band, pooled over the patches, not scaled.
template <class Real>
std::vector<Real> ftm2d_band(ChromaView chroma, const Excerpt& excerpt, const Ftm2dParams& p) {
  std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  const auto norm = [&](std::int64_t t) {
    Real square = 0;
    for (int c = 0; c < kPitchClasses; ++c)
      square += x[t * kPitchClasses + c] * x[t * kPitchClasses + c];
    return std::sqrt(square);
  };
  for (std::int64_t t = 0; t < excerpt.frames; ++t) {
    Real* frame = x.data() + t * kPitchClasses;
    const Real before = p.keep_norm ? norm(t) : 1;
    if (before == 0) continue;
    for (int c = 0; c < kPitchClasses; ++c)
      frame[c] = std::pow(frame[c] / before, static_cast<Real>(p.power));
    if (!p.keep_norm) continue;
    const Real after = norm(t);
    for (int c = 0; c < kPitchClasses; ++c) frame[c] *= before / after;
  }
  const int frames = std::max(excerpt.frames, p.patch);
  x.resize(static_cast<std::size_t>(frames) * kPitchClasses, 0);

  std::vector<std::vector<Real>> patches;
  for (int start = 0; start + p.patch <= frames; start += p.hop)
    patches.push_back(fft2_magnitudes(x.data() + start * kPitchClasses, p.patch));
  std::vector<Real> out;
  for (int i = 0; i < p.patch * kPitchClasses; ++i) {
    std::vector<Real> values;
    Real sum = 0;
    for (const auto& patch : patches) values.push_back(patch[i]), sum += patch[i];
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    out.push_back(p.median ? (values[(n - 1) / 2] + values[n / 2]) / 2
                           : sum / static_cast<Real>(n));
  }
  return out;
}

template <class Real>
std::vector<Real> ftm2d(ChromaView chroma, const Excerpt& excerpt, const Ftm2dParams& p) {
  std::vector<Real> out;
  for (int band = 0; band < p.bands; ++band)
    for (const Real value : ftm2d_band<Real>(chroma.band(band), excerpt, p)) out.push_back(value);
  if (!p.unit_norm) return out;
  Real square = 0;
  for (const Real value : out) square += value * value;
  if (square > 0)
    for (Real& value : out) value /= std::sqrt(square);
  return out;
}

}  // namespace reprise::oracle
