#include "reprise/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "reprise/error.h"

namespace reprise {
namespace {

// Cells of the largest matrix: songs of an hour at 4.5 frames a second.
constexpr std::int64_t kMostCells = std::int64_t{1} << 28;

// States [frames, 24 * bands] of an excerpt: centred, normalised frames with the ones before them.
std::vector<float> states_of(ChromaView chroma, const Excerpt& excerpt) {
  const int width = chroma.width(), values = kStateFrames * width;
  std::vector<float> states(static_cast<std::size_t>(excerpt.frames) * values);
  double mean[kMaxBands * kPitchClasses] = {};
  for (std::int64_t t = 0; t < excerpt.frames; ++t)
    for (int c = 0; c < width; ++c) {
      const float value = chroma.at(excerpt.first + t, rolled_from(c, excerpt.roll));
      states[t * values + c] = value;
      mean[c] += double{value};
    }
  for (std::int64_t t = 0; t < excerpt.frames; ++t) {
    float* frame = &states[t * values];
    float square = kAlignmentFloor;
    for (int c = 0; c < width; ++c) {
      frame[c] -= static_cast<float>(mean[c] / excerpt.frames);
      square += frame[c] * frame[c];
    }
    for (int c = 0; c < width; ++c) frame[c] /= std::sqrt(square);
    if (t > 0) std::copy_n(frame - values, width, frame + width);
  }
  return states;
}

// Turns the products of a row into s.
void score_row(std::span<float> row, const AlignmentParams& params) {
  double mean = 0, square = 0;
  for (const float product : row) mean += double{product};
  mean /= static_cast<double>(row.size());
  for (const float product : row) square += (double{product} - mean) * (double{product} - mean);
  const double sigma =
      std::sqrt(square / static_cast<double>(row.size()) + double{kAlignmentVariance});
  for (float& product : row)
    product =
        std::min(params.cap, static_cast<float>((double{product} - mean) / sigma) - params.offset);
}

constexpr std::pair<std::int32_t, std::int32_t> kSteps[] = {{1, 1}, {2, 1}, {1, 2}};

// The best path through cells whose row and column are both free.
class BestPath {
 public:
  explicit BestPath(const SongAlignment& matrix)
      : matrix_(matrix),
        free_row_(matrix.rows, true),
        free_column_(matrix.columns, true),
        steps_(matrix.scores.size()) {}

  Stretch find() {
    const std::int32_t columns = matrix_.columns;
    std::vector<float> h(static_cast<std::size_t>(3) * columns, 0);  // rows i, i - 1, i - 2
    float best = 0;
    std::int32_t best_row = -1, best_column = -1;
    for (std::int32_t i = 0; i < matrix_.rows; ++i)
      for (std::int32_t j = 0; j < columns; ++j) {
        float before = 0;
        std::int8_t step = kStart;
        for (std::int8_t s = 0; s < 3; ++s) {
          const auto [di, dj] = kSteps[s];
          if (i < di || j < dj) continue;
          const float from = h[(i - di) % 3 * columns + j - dj];
          if (from > before) before = from, step = s;
        }
        float& here = h[i % 3 * columns + j];
        here = free_row_[i] && free_column_[j]
                   ? std::max(0.0f, before + matrix_.scores[std::int64_t{i} * columns + j])
                   : 0;
        steps_[std::int64_t{i} * columns + j] = step;
        if (here > best) best = here, best_row = i, best_column = j;
      }
    return trace(best_row, best_column, best);
  }

  // Takes the frames from first to last of both songs.
  void take(const Stretch& stretch) {
    const auto [row, column] = stretch.path.front();
    const auto [last_row, last_column] = stretch.path.back();
    std::fill(free_row_.begin() + row, free_row_.begin() + last_row + 1, false);
    std::fill(free_column_.begin() + column, free_column_.begin() + last_column + 1, false);
  }

 private:
  static constexpr std::int8_t kStart = -1;

  Stretch trace(std::int32_t row, std::int32_t column, float score) const {
    Stretch stretch;
    stretch.score = score;
    while (row >= 0) {
      stretch.path.emplace_back(row, column);
      const std::int8_t step = steps_[std::int64_t{row} * matrix_.columns + column];
      if (step == kStart) break;
      row -= kSteps[step].first;
      column -= kSteps[step].second;
    }
    std::reverse(stretch.path.begin(), stretch.path.end());
    return stretch;
  }

  const SongAlignment& matrix_;
  std::vector<bool> free_row_, free_column_;
  std::vector<std::int8_t> steps_;  // [rows, columns] that led to each cell
};

}  // namespace

SongAlignment align_songs(ChromaView a_chroma, const Excerpt& a, ChromaView b_chroma,
                          const Excerpt& b, const AlignmentParams& params, int most_stretches) {
  if (std::int64_t{a.frames} * b.frames > kMostCells)
    throw InputError(fmt::format("comparison: expected at most {} pairs of frames, found {} x {}",
                                 kMostCells, a.frames, b.frames));
  if (a_chroma.bands != b_chroma.bands)
    throw InputError(fmt::format("comparison: expected songs of as many bands, found {} and {}",
                                 a_chroma.bands, b_chroma.bands));
  const int values = kStateFrames * a_chroma.width();
  SongAlignment result;
  result.rows = a.frames;
  result.columns = b.frames;
  result.scores.resize(static_cast<std::size_t>(a.frames) * b.frames);
  const std::vector<float> x = states_of(a_chroma, a), y = states_of(b_chroma, b);
  for (std::int64_t i = 0; i < a.frames; ++i) {
    const auto row = std::span(result.scores).subspan(i * b.frames, b.frames);
    for (std::int64_t j = 0; j < b.frames; ++j) {
      row[j] = 0;
      for (int c = 0; c < values; ++c) row[j] += x[i * values + c] * y[j * values + c];
    }
    score_row(row, params);
  }

  BestPath paths(result);
  for (int i = 0; i < most_stretches; ++i) {
    Stretch stretch = paths.find();
    if (stretch.path.empty() || (i > 0 && stretch.score < result.stretches.front().score / 4))
      break;
    paths.take(stretch);
    result.stretches.push_back(std::move(stretch));
  }
  return result;
}

}  // namespace reprise
