#include "reprise/pair_distances.h"

#include <gtest/gtest.h>

#include <cmath>

#include "op_cases.h"
#include "oracle.h"
#include "reprise/error.h"
#include "reprise/op_params.h"
#include "small_set.h"

namespace reprise {
namespace {

// Means 1 and 5, variances 1 and 4: 16 / (4 x 5) + ln(5 / (2 x 2)) / 2.
TEST(Bhattacharyya, ByHand) {
  EXPECT_NEAR(bhattacharyya_distance({0, 2}, {3, 7}), 0.8 + std::log(1.25) / 2, 1e-12);
  EXPECT_EQ(bhattacharyya_distance({2, 2}, {2, 2}), 0);
}

// Against the 2016 definition in plain loops: rolls by correlation of mean chroma, distances of
// fingerprints, and the loss of the oracle.
TEST(PairDistances, AreThoseOfTheDefinition) {
  SongSet set = small_set(3, 2, 200);
  Model model;
  model.config = Config::of_preset("seed2016");
  model.config.patches = 2;
  model.config.patch_frames = 32;
  model.config.lags = {-1, 0};
  model.config.windows = 2;
  model.config.num_filters = 3;
  const BigramParams p = bigram_params(model.config);
  model.weights = random_values(p.weights(), 0.1f, 1);
  const auto backend = make_cpu_backend(1);
  const PairDistances test(set, "test", 1);
  ASSERT_EQ(test.pairs(), 6);  // three cover pairs, three others
  const PairDistances::Summary s = test.of(*backend, model);

  std::vector<double> covers;
  for (std::int64_t a = 0; a + 1 < set.songs(); ++a) {
    if (set.split[a] != "test" || set.work_id[a] != set.work_id[a + 1]) continue;
    const auto mean_of = [&](std::int64_t song) {
      std::vector<double> mean(12, 0);
      for (std::int64_t t = 0; t < set.frames(song); ++t)
        for (int c = 0; c < 12; ++c) mean[c] += set.chroma_of(song).at(t, c);
      return mean;
    };
    const std::vector<double> x = mean_of(a), y = mean_of(a + 1);
    int best = 0;
    double most = -1;
    for (int roll = 0; roll < 12; ++roll) {
      double sum = 0;
      for (int c = 0; c < 12; ++c) sum += x[(c + roll) % 12] * y[c];
      if (sum > most) most = sum, best = roll;
    }
    std::vector<double> prints[2];
    for (int side = 0; side < 2; ++side) {
      const auto chroma =
          oracle::excerpt_chroma<double>(set.chroma(), set.whole(a + side, side == 0 ? 0 : best));
      const int frames = int(chroma.size()) / 12;
      std::vector<double> patches;
      for (const int start : {0, frames - 32})
        patches.insert(patches.end(), chroma.begin() + start * 12,
                       chroma.begin() + (start + 32) * 12);
      prints[side] = oracle::bigram_forward(patches, model.weights, p).out;
    }
    double square = 0;
    for (std::size_t d = 0; d < prints[0].size(); ++d)
      square += std::pow(prints[0][d] - prints[1][d], 2);
    covers.push_back(std::sqrt(square));
  }
  ASSERT_EQ(covers.size(), 3u);
  EXPECT_NEAR(s.covers, (covers[0] + covers[1] + covers[2]) / 3, 1e-4);
  // The margin of 10 is further than these fingerprints can be apart: its part is known.
  EXPECT_GT(s.loss, model.config.negative_weight * std::pow(10 - s.others, 2) / 2);
  EXPECT_GE(s.bhattacharyya, 0);
}

TEST(PairDistances, NeedsTwoWorks) {
  const SongSet set = small_set(1, 2, 50);
  EXPECT_THROW(PairDistances(set, "test", 1), Error);
}

}  // namespace
}  // namespace reprise
