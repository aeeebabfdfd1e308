#include "reprise/qmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "oracle_published.h"
#include "random_chroma.h"

namespace reprise {
namespace {

// The definition, step by step: states written out, distances sorted, every value of Q kept.
double oracle_qmax(ChromaView chroma, const Excerpt& query, const Excerpt& candidate,
                   const QmaxParams& p) {
  const auto states = [&](const Excerpt& excerpt) {
    const std::vector<double> x = oracle::rolled_chroma<double>(chroma, excerpt);
    std::vector<std::vector<double>> all;
    for (int i = 0; i + (p.embedding - 1) * p.delay < excerpt.frames; ++i) {
      std::vector<double>& state = all.emplace_back();
      for (int k = 0; k < p.embedding; ++k)
        for (int c = 0; c < kPitchClasses; ++c)
          state.push_back(x[(i + k * p.delay) * kPitchClasses + c]);
    }
    return all;
  };
  const auto x = states(query), y = states(candidate);
  const auto distance = [&](std::size_t i, std::size_t j) {
    double square = 0;
    for (std::size_t d = 0; d < x[i].size(); ++d)
      square += (x[i][d] - y[j][d]) * (x[i][d] - y[j][d]);
    return std::sqrt(square);
  };
  const auto limit = [&](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[std::max<std::int64_t>(1, std::lround(p.neighbours * double(values.size()))) - 1];
  };
  std::vector<double> row_limit, column_limit;
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::vector<double> row;
    for (std::size_t j = 0; j < y.size(); ++j) row.push_back(distance(i, j));
    row_limit.push_back(limit(row));
  }
  for (std::size_t j = 0; j < y.size(); ++j) {
    std::vector<double> column;
    for (std::size_t i = 0; i < x.size(); ++i) column.push_back(distance(i, j));
    column_limit.push_back(limit(column));
  }
  const auto r = [&](std::size_t i, std::size_t j) {
    return distance(i, j) <= row_limit[i] && distance(i, j) <= column_limit[j];
  };
  const auto gap = [&](std::size_t i, std::size_t j) {
    return double{r(i, j) ? p.onset : p.extension};
  };
  std::vector<std::vector<double>> q(x.size(), std::vector<double>(y.size(), 0));
  double best = 0;
  for (std::size_t i = 2; i < x.size(); ++i)
    for (std::size_t j = 2; j < y.size(); ++j) {
      if (r(i, j))
        q[i][j] = 1 + std::max({q[i - 1][j - 1], q[i - 2][j - 1], q[i - 1][j - 2]});
      else
        q[i][j] =
            std::max({0.0, q[i - 1][j - 1] - gap(i - 1, j - 1), q[i - 2][j - 1] - gap(i - 2, j - 1),
                      q[i - 1][j - 2] - gap(i - 1, j - 2)});
      best = std::max(best, q[i][j]);
    }
  return best;
}

class Qmax : public testing::Test {
 protected:
  // The second song repeats a third of the first, three semitones higher, a little changed.
  Qmax() : chroma(random_chroma(60 + 70, 3)) {
    for (int t = 0; t < 30; ++t)
      for (int c = 0; c < kPitchClasses; ++c)
        chroma[(60 + 20 + t) * kPitchClasses + (c + 3) % kPitchClasses] =
            0.9f * chroma[(15 + t) * kPitchClasses + c] + (t % 7 == 0 ? 0.3f : 0.0f);
  }
  ChromaView view() const {
    return {chroma.data(), ChromaType::float32, std::int64_t(chroma.size()) / kPitchClasses};
  }
  float of(int roll, const QmaxParams& params) const {
    return qmax(view(), {0, 60, roll}, view(), {60, 70, 0}, params);
  }
  std::vector<float> chroma;
};

TEST_F(Qmax, IsItsDefinition) {
  for (const QmaxParams& p : {QmaxParams{}, QmaxParams{4, 1, 0.1, 5, 0.5f},
                              QmaxParams{3, 2, 0.25, 1, 1}, QmaxParams{1, 1, 0.05, 0.5f, 0.25f}})
    for (const int roll : {0, 3})
      EXPECT_EQ(double{of(roll, p)}, oracle_qmax(view(), {0, 60, roll}, {60, 70, 0}, p))
          << p.embedding << " " << roll;
}

TEST_F(Qmax, FindsTheStretchInItsKeyOnly) {
  EXPECT_GT(of(3, {}), 18);  // 30 frames hold 22 states of 9
  EXPECT_LT(of(0, {}), 0.6f * of(3, {}));
}

// Twelve states equal one by one, then nothing: the first two rows and columns do not count.
TEST(QmaxByHand, CountsFromTheThirdState) {
  std::vector<float> chroma(12 * kPitchClasses, 0);
  for (int t = 0; t < 12; ++t) chroma[t * kPitchClasses + t] = 1;
  const ChromaView view{chroma.data(), ChromaType::float32, 12};
  EXPECT_EQ(qmax(view, {0, 12, 0}, view, {0, 12, 0}, {1, 1, 0.05, 5, 0.5f}), 10);
}

TEST(QmaxByHand, SongsShorterThanAStateHaveNothingInCommon) {
  const std::vector<float> chroma = random_chroma(20, 1);
  const ChromaView view{chroma.data(), ChromaType::float32, 20};
  EXPECT_EQ(qmax(view, {0, 8, 0}, view, {0, 20, 0}), 0);
  EXPECT_EQ(qmax(view, {0, 20, 0}, view, {0, 1, 0}), 0);
}

}  // namespace
}  // namespace reprise
