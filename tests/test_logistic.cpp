#include "core/logistic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reprise/random.h"

namespace reprise {
namespace {

// A column of zeros and ones: without a penalty the log odds of either half are those counted. Of
// many observations the penalty of one is little.
TEST(Logistic, RecoversCountedOdds) {
  std::vector<double> rows;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 10000; ++i) {
    rows.push_back(i < 5000 ? 0 : 1);
    labels.push_back(i < 5000 ? i < 1000 : i < 9000);
  }
  const auto w = fit_logistic(rows, 1, labels);
  ASSERT_EQ(w.size(), 2u);
  EXPECT_NEAR(w[1], std::log(1000.0 / 4000), 5e-3);
  EXPECT_NEAR(w[0] + w[1], std::log(4000.0 / 1000), 5e-3);
}

// At the optimum the gradient is zero: sum (label - p) x = penalty of w, in standardised columns;
// for the constant, which has no penalty, the labels' sum is the probabilities'.
TEST(Logistic, GradientVanishes) {
  Random random(1);
  std::vector<double> rows;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 500; ++i) {
    const double a = random.normal(), b = 1000 + 5 * random.normal();
    rows.insert(rows.end(), {a, b});
    labels.push_back(random.uniform() < probability_of(2 * a - 0.3 * (b - 1000) - 1));
  }
  const auto w = fit_logistic(rows, 2, labels);
  double gradient[3] = {}, mean = 0, square = 0;
  for (int i = 0; i < 500; ++i) {
    mean += rows[2 * i] / 500;
    square += rows[2 * i] * rows[2 * i] / 500;
  }
  const double deviation = std::sqrt(square - mean * mean);
  for (int i = 0; i < 500; ++i) {
    const double miss =
        labels[i] - probability_of(w[0] * rows[2 * i] + w[1] * rows[2 * i + 1] + w[2]);
    gradient[0] += miss * (rows[2 * i] - mean) / deviation;
    gradient[2] += miss;
  }
  EXPECT_NEAR(gradient[0], w[0] * deviation, 1e-6);
  EXPECT_NEAR(gradient[2], 0, 1e-6);
}

TEST(Logistic, SeparableLabelsGiveFiniteWeights) {
  const std::vector<double> rows{-2, -1, 1, 2};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const auto w = fit_logistic(rows, 1, labels);
  EXPECT_GT(w[0], 0.5);
  EXPECT_LT(w[0], 10);
  EXPECT_NEAR(w[1], 0, 1e-6);
}

TEST(Logistic, ConstantColumnsAndLabels) {
  const std::vector<double> rows{0.1, 5, 0.1, 6, 0.1, 7, 0.1, 8};
  const std::vector<std::uint8_t> mixed{0, 1, 0, 1}, all{1, 1, 1, 1};
  const auto w = fit_logistic(rows, 2, mixed);
  ASSERT_EQ(w.size(), 3u);
  EXPECT_EQ(w[0], 0);
  EXPECT_TRUE(fit_logistic(rows, 2, all).empty());
  EXPECT_TRUE(fit_logistic({}, 2, {}).empty());
}

TEST(Logistic, ProbabilityAtTheEnds) {
  EXPECT_EQ(probability_of(0), 0.5);
  EXPECT_EQ(probability_of(1e4), 1);
  EXPECT_EQ(probability_of(-1e4), 0);
}

}  // namespace
}  // namespace reprise
