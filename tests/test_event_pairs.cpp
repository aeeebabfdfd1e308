#include "model/event_pairs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "op_cases.h"

namespace reprise {
namespace {

Config config_of(KeptPairs pairs, Compression compression, bool unit, int events = 24) {
  Config config = Config::of_preset("plain");
  config.pairs = pairs;
  config.compression = compression;
  config.unit_norm = unit;
  config.num_filters = events;
  config.windows = 2;
  config.lags = {0, 1};
  return config;
}

// Two events, by hand: M = [[4, 1], [9, 16]] and [[0, -1], [2, 3]].
TEST(EventPairs, KeepsByHand) {
  const float m[] = {4, 1, 9, 16, 0, -1, 2, 3};
  const auto kept = [&](KeptPairs pairs) {
    const EventPairs p(config_of(pairs, Compression::none, false, 2));
    std::vector<float> out(p.dims());
    p.forward(m, 1, out.data());
    return out;
  };
  EXPECT_EQ(kept(KeptPairs::upper), (std::vector<float>{4, 1, 16, 0, -1, 3}));
  EXPECT_EQ(kept(KeptPairs::above), (std::vector<float>{1, -1}));
  EXPECT_EQ(kept(KeptPairs::off_diagonal), (std::vector<float>{1, 9, -1, 2}));
  EXPECT_EQ(kept(KeptPairs::cross), (std::vector<float>{1, -1}));
  Config rows = config_of(KeptPairs::all, Compression::none, false, 2);
  rows.normalisation = Normalisation::correlation;
  const EventPairs p(rows);
  std::vector<float> out(8);
  p.forward(m, 1, out.data());
  EXPECT_FLOAT_EQ(out[0], 1);
  EXPECT_FLOAT_EQ(out[1], 0.125f);
  EXPECT_FLOAT_EQ(out[2], 1.125f);
  EXPECT_EQ(out[4], 0.0f) << "an event that never changes";
}

// Permuting the events as transposing does leaves the sums over intervals.
TEST(EventPairs, IntervalsAreAlikeInAllKeys) {
  const EventPairs p(config_of(KeptPairs::intervals, Compression::signed_root, true));
  EXPECT_EQ(p.dims(), 2 * 2 * 2 * 12);
  const std::vector<float> m = random_values(2 * 24 * 24, 1, 1);
  std::vector<float> turned(m.size());
  const auto up = [](int i) { return i / 12 * 12 + (i + 5) % 12; };
  for (int f = 0; f < 2; ++f)
    for (int i = 0; i < 24; ++i)
      for (int j = 0; j < 24; ++j) turned[(f * 24 + up(i)) * 24 + up(j)] = m[(f * 24 + i) * 24 + j];
  std::vector<float> a(p.dims()), b(p.dims());
  p.forward(m.data(), 1, a.data());
  p.forward(turned.data(), 1, b.data());
  for (int d = 0; d < p.dims(); ++d) EXPECT_NEAR(a[d], b[d], 1e-6f);
}

TEST(EventPairs, BackwardEqualsFiniteDifferences) {
  for (const KeptPairs pairs : {KeptPairs::intervals, KeptPairs::cross, KeptPairs::upper})
    for (const Compression compression :
         {Compression::none, Compression::tanh, Compression::signed_root})
      for (const bool unit : {false, true}) {
        const EventPairs p(config_of(pairs, compression, unit));
        const std::vector<float> m = random_values(2 * 24 * 24, 1, 2);
        const std::vector<float> weights = random_values(p.dims(), 1, 3);
        std::vector<float> gradient(m.size());
        p.backward(m.data(), weights.data(), 1, gradient.data());
        const auto value = [&](std::size_t at, float step) {
          std::vector<float> moved = m, out(p.dims());
          moved[at] += step;
          p.forward(moved.data(), 1, out.data());
          double sum = 0;
          for (int d = 0; d < p.dims(); ++d) sum += double{out[d]} * weights[d];
          return sum;
        };
        for (std::size_t at = 0; at < m.size(); at += 53) {
          if (std::abs(m[at]) < 0.1f) continue;  // where the root is steep
          const double slope = (value(at, 0x1p-7f) - value(at, -0x1p-7f)) / 0x1p-6;
          EXPECT_NEAR(slope, gradient[at], 2e-3 * (1 + std::abs(slope)))
              << name_of(pairs) << " " << name_of(compression) << " " << unit << " " << at;
        }
      }
}

}  // namespace
}  // namespace reprise
