// Second-order statistics of pitch classes over time, without order beyond neighbouring frames.
//
// covariance  (Kim, Unal & Narayanan 2008): the covariance matrix of [x_t | x_t+1 - x_t], 24 x 24,
//             each row scaled to length 1, which also cancels the denominator.
// correlation: the correlation matrix of x_t, 12 x 12, above the diagonal.
//
// Transposing a song permutes the rows and columns of its matrix, so twelve keys cost one matrix.
// Sums are in double precision: a column that never changes then has a variance of exactly zero,
// and its values are 0 where the definition divides by zero.
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/same_frames.h"

namespace reprise::cpu {
namespace {

template <int kColumns>
using Matrix = std::array<std::array<double, kColumns>, kColumns>;

// Sum over rows of (row - mean)^T (row - mean) for rows [count, kColumns].
template <int kColumns>
Matrix<kColumns> scatter(const std::vector<double>& rows) {
  std::array<double, kColumns> mean{};
  for (std::size_t r = 0; r < rows.size(); r += kColumns)
    for (int i = 0; i < kColumns; ++i) mean[i] += rows[r + i];
  for (double& value : mean) value /= static_cast<double>(rows.size() / kColumns);

  Matrix<kColumns> sum{};
  std::array<double, kColumns> centred;
  for (std::size_t r = 0; r < rows.size(); r += kColumns) {
    for (int i = 0; i < kColumns; ++i) centred[i] = rows[r + i] - mean[i];
    for (int i = 0; i < kColumns; ++i)
      for (int j = 0; j < kColumns; ++j) sum[i][j] += centred[i] * centred[j];
  }
  return sum;
}

// The untransposed column that column c shows after a roll, in each block of 12 columns.
int source(int c, int roll) {
  return c / kPitchClasses * kPitchClasses +
         (c % kPitchClasses + kPitchClasses - roll) % kPitchClasses;
}

constexpr int kBoth = 2 * kPitchClasses;  // chroma and its change

Matrix<kBoth> chroma_and_delta(ChromaView chroma, const Excerpt& excerpt) {
  std::vector<double> rows;
  rows.reserve(static_cast<std::size_t>(excerpt.frames) * kBoth);
  for (std::int64_t t = excerpt.first; t + 1 < excerpt.first + excerpt.frames; ++t) {
    for (int c = 0; c < kPitchClasses; ++c) rows.push_back(chroma.at(t, c));
    for (int c = 0; c < kPitchClasses; ++c)
      rows.push_back(double{chroma.at(t + 1, c)} - chroma.at(t, c));
  }
  Matrix<kBoth> matrix = scatter<kBoth>(rows);
  for (auto& row : matrix) {
    double square = 0;
    for (const double value : row) square += value * value;
    if (square == 0) continue;
    const double factor = 1 / std::sqrt(square);
    for (double& value : row) value *= factor;
  }
  return matrix;
}

Matrix<kPitchClasses> pitch_correlation(ChromaView chroma, const Excerpt& excerpt) {
  std::vector<double> rows;
  rows.reserve(static_cast<std::size_t>(excerpt.frames) * kPitchClasses);
  for (std::int64_t t = excerpt.first; t < excerpt.first + excerpt.frames; ++t)
    for (int c = 0; c < kPitchClasses; ++c) rows.push_back(chroma.at(t, c));
  Matrix<kPitchClasses> matrix = scatter<kPitchClasses>(rows);
  std::array<double, kPitchClasses> deviation;
  for (int i = 0; i < kPitchClasses; ++i) deviation[i] = std::sqrt(matrix[i][i]);
  for (int i = 0; i < kPitchClasses; ++i)
    for (int j = 0; j < kPitchClasses; ++j) {
      const double both = deviation[i] * deviation[j];
      matrix[i][j] = both > 0 ? matrix[i][j] / both : 0;
    }
  return matrix;
}

// Calls song(first excerpt) once a run of excerpts of the same frames, then write(matrix, excerpt
// number) for each of the run.
template <class Song, class Write>
void for_each_song(const Excerpt* excerpts, std::int64_t count, int threads, Song song,
                   Write write) {
  const std::vector<std::int64_t> starts = runs_of_same_frames(excerpts, count);
  const std::int64_t runs = static_cast<std::int64_t>(starts.size()) - 1;
  parallel_for(runs, threads, [&](std::int64_t run, int) {
    const auto matrix = song(excerpts[starts[run]]);
    for (std::int64_t e = starts[run]; e < starts[run + 1]; ++e) write(matrix, e);
  });
}

}  // namespace

void covariance(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, int threads,
                float* out) {
  for_each_song(
      excerpts, count, threads,
      [&](const Excerpt& excerpt) { return chroma_and_delta(chroma, excerpt); },
      [&](const Matrix<kBoth>& matrix, std::int64_t e) {
        float* to = out + e * kBoth * kBoth;
        for (int i = 0; i < kBoth; ++i)
          for (int j = 0; j < kBoth; ++j)
            *to++ = static_cast<float>(
                matrix[source(i, excerpts[e].roll)][source(j, excerpts[e].roll)]);
      });
}

void correlation(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, int threads,
                 float* out) {
  constexpr int kPairs = kPitchClasses * (kPitchClasses - 1) / 2;
  for_each_song(
      excerpts, count, threads,
      [&](const Excerpt& excerpt) { return pitch_correlation(chroma, excerpt); },
      [&](const Matrix<kPitchClasses>& matrix, std::int64_t e) {
        float* to = out + e * kPairs;
        for (int i = 0; i < kPitchClasses; ++i)
          for (int j = i + 1; j < kPitchClasses; ++j)
            *to++ = static_cast<float>(
                matrix[source(i, excerpts[e].roll)][source(j, excerpts[e].roll)]);
      });
}

}  // namespace reprise::cpu
