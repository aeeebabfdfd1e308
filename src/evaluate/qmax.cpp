#include "reprise/qmax.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "reprise/error.h"

namespace reprise {
namespace {

std::vector<float> frames_of(ChromaView chroma, const Excerpt& excerpt) {
  std::vector<float> frames;
  frames.reserve(static_cast<std::size_t>(excerpt.frames) * chroma.width());
  for (std::int64_t t = 0; t < excerpt.frames; ++t)
    for (int c = 0; c < chroma.width(); ++c)
      frames.push_back(chroma.at(excerpt.first + t, rolled_from(c, excerpt.roll)));
  return frames;
}

// Squared distances [n, m] of all states: those of single frames, summed along diagonals.
std::vector<float> distances(const std::vector<float>& x, const std::vector<float>& y, int width,
                             std::int64_t n, std::int64_t m, const QmaxParams& params) {
  const auto y_frames = static_cast<std::int64_t>(y.size()) / width;
  const auto x_frames = static_cast<std::int64_t>(x.size()) / width;
  std::vector<float> single(static_cast<std::size_t>(x_frames * y_frames));
  for (std::int64_t i = 0; i < x_frames; ++i)
    for (std::int64_t j = 0; j < y_frames; ++j) {
      float square = 0;
      for (int c = 0; c < width; ++c) {
        const float d = x[i * width + c] - y[j * width + c];
        square += d * d;
      }
      single[i * y_frames + j] = square;
    }
  std::vector<float> sum(static_cast<std::size_t>(n * m), 0);
  for (std::int64_t i = 0; i < n; ++i)
    for (int k = 0; k < params.embedding; ++k) {
      const std::int64_t after = std::int64_t{k} * params.delay;
      const float* row = &single[(i + after) * y_frames + after];
      for (std::int64_t j = 0; j < m; ++j) sum[i * m + j] += row[j];
    }
  return sum;
}

// The value up to which a share of the values lies, at least one of them.
float nearest(std::vector<float>& values, double share) {
  const auto count =
      std::max<std::int64_t>(1, std::lround(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + (count - 1), values.end());
  return values[count - 1];
}

}  // namespace

float qmax(ChromaView query_chroma, const Excerpt& query, ChromaView candidate_chroma,
           const Excerpt& candidate, const QmaxParams& params) {
  const std::int64_t shorter = std::int64_t{params.embedding - 1} * params.delay;
  const std::int64_t n = query.frames - shorter, m = candidate.frames - shorter;
  if (n < 1 || m < 1) return 0;
  if (query_chroma.bands != candidate_chroma.bands)
    throw InputError("qmax: expected songs of as many bands, found " +
                     std::to_string(query_chroma.bands) + " and " +
                     std::to_string(candidate_chroma.bands));
  const std::vector<float> d =
      distances(frames_of(query_chroma, query), frames_of(candidate_chroma, candidate),
                query_chroma.width(), n, m, params);
  std::vector<float> row_limit(n), column_limit(m), some;
  for (std::int64_t i = 0; i < n; ++i) {
    some.assign(d.begin() + i * m, d.begin() + (i + 1) * m);
    row_limit[i] = nearest(some, params.neighbours);
  }
  for (std::int64_t j = 0; j < m; ++j) {
    some.resize(n);
    for (std::int64_t i = 0; i < n; ++i) some[i] = d[i * m + j];
    column_limit[j] = nearest(some, params.neighbours);
  }
  const auto recurs = [&](std::int64_t i, std::int64_t j) {
    return d[i * m + j] <= row_limit[i] && d[i * m + j] <= column_limit[j];
  };

  std::vector<float> q(static_cast<std::size_t>(n * m), 0);
  float best = 0;
  for (std::int64_t i = 2; i < n; ++i)
    for (std::int64_t j = 2; j < m; ++j) {
      const bool here = recurs(i, j);
      float before = 0;
      for (const auto& [di, dj] : {std::pair{1, 1}, {2, 1}, {1, 2}}) {
        const float gap = here ? 0 : recurs(i - di, j - dj) ? params.onset : params.extension;
        before = std::max(before, q[(i - di) * m + j - dj] - gap);
      }
      q[i * m + j] = before + static_cast<float>(here);
      best = std::max(best, q[i * m + j]);
    }
  return best;
}

}  // namespace reprise
