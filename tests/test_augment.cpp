#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "chroma_layouts.h"
#include "every_instruction_set.h"
#include "op_cases.h"
#include "reprise/backend.h"

namespace reprise {
namespace {

// Frame t, pitch class c holds t + c / 16: every value tells where it came from.
std::vector<float> numbered(int frames) {
  std::vector<float> chroma(std::size_t(frames) * 12);
  for (int t = 0; t < frames; ++t)
    for (int c = 0; c < 12; ++c) chroma[t * 12 + c] = float(t) + float(c) / 16;
  return chroma;
}

struct Varied {
  std::vector<float> chroma;
  Excerpt where;
};

Varied augment(ChromaView chroma, std::uint64_t seed, const AugmentParams& params, int roll = 0) {
  const TrainingExcerpt take{{0, std::int32_t(chroma.frames), roll}, seed};
  Varied v;
  v.chroma.resize(std::size_t(params.crop) * std::size_t(chroma.width()), -1.0f);
  make_cpu_backend(1)->run(ops::Augment{.chroma = chroma,
                                        .excerpts = &take,
                                        .count = 1,
                                        .params = params,
                                        .out = v.chroma.data(),
                                        .out_excerpts = &v.where});
  return v;
}

Varied augment(const std::vector<float>& chroma, std::uint64_t seed, const AugmentParams& params,
               int roll = 0) {
  return augment(ChromaView{chroma.data(), ChromaType::float32, std::int64_t(chroma.size()) / 12},
                 seed, params, roll);
}

TEST(Augment, NothingAskedForIsACopy) {
  AugmentParams params;
  params.crop = 300;
  const auto chroma = numbered(200);
  const Varied v = augment(chroma, 1, params);
  ASSERT_EQ(v.where.frames, 200);
  for (std::size_t i = 0; i < chroma.size(); ++i) ASSERT_FLOAT_EQ(v.chroma[i], chroma[i]);
}

TEST(Augment, CropIsARunOfFramesAnywhere) {
  AugmentParams params;
  params.crop = 50;
  std::set<int> starts;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Varied v = augment(numbered(60), seed, params);
    ASSERT_EQ(v.where.frames, 50);
    const int start = int(std::lround(v.chroma[0]));
    starts.insert(start);
    for (int t = 0; t < 50; ++t) ASSERT_NEAR(v.chroma[t * 12], float(start + t), 1e-4);
  }
  EXPECT_EQ(starts.size(), 11u);  // 0 to 10
}

TEST(Augment, StretchKeepsToItsRange) {
  AugmentParams params;
  params.crop = 1000;
  params.stretch_low = 0.75f;
  params.stretch_high = 1.35f;
  int shortest = 1000, longest = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Varied v = augment(numbered(200), seed, params);
    shortest = std::min(shortest, v.where.frames);
    longest = std::max(longest, v.where.frames);
    // Frame t shows time t / stretch.
    const float stretch = float(v.where.frames) / 200;
    EXPECT_NEAR(v.chroma[100 * 12], 100 / stretch, 0.6);
  }
  EXPECT_GE(shortest, 150);
  EXPECT_LT(shortest, 155);
  EXPECT_LE(longest, 270);
  EXPECT_GT(longest, 262);
}

TEST(Augment, DropsAtMostItsShare) {
  AugmentParams params;
  params.crop = 4000;
  params.drop = 0.2f;
  int fewest = 4000;
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    fewest = std::min(fewest, augment(numbered(2000), seed, params).where.frames);
  EXPECT_GT(fewest, 2000 * 0.8 - 80);
  EXPECT_LT(fewest, 2000 * 0.85);
}

TEST(Augment, NoiseAndPowerKeepValuesValid) {
  AugmentParams params;
  params.crop = 256;
  params.noise = 0.05f;
  params.power_low = 0.6f;
  params.power_high = 1.6f;
  params.power_share = 0.5f;
  const auto chroma = random_chroma(256, 7);
  double distance = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    for (std::size_t i = 0; const float value : augment(chroma, seed, params).chroma) {
      ASSERT_TRUE(std::isfinite(value));
      ASSERT_GE(value, 0.0f);
      ASSERT_LT(value, 1.5f);
      distance += std::abs(double(value) - double(chroma[i++]));
    }
  EXPECT_GT(distance / (50 * 256 * 12), 0.01);
}

// Noise and exponent by their definition, with Random's draws one after another.
void expect_noise_of_randoms_draws(const char* what) {
  AugmentParams params;
  params.crop = 101;
  params.noise = 0.3f;
  params.power_low = 0.6f;
  params.power_high = 1.6f;
  params.power_share = 0.5f;
  auto chroma = random_chroma(101, 7);
  chroma[5] = 0;
  int raised = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    random.uniform();  // stretch
    random.uniform();  // share of frames dropped
    const float deviation = random.uniform(0, params.noise);
    const bool powered = random.uniform() < params.power_share;
    const double power = powered ? double(random.uniform(0.6f, 1.6f)) : 1.0;
    raised += powered ? 1 : 0;
    const Varied v = augment(chroma, seed, params, 3);
    ASSERT_EQ(v.where.frames, 101);
    for (int t = 0; t < 101; ++t)
      for (int c = 0; c < 12; ++c) {
        const double u = double(random.uniform()), turn = double(random.uniform());
        const double normal = std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * M_PI * turn);
        const double expected =
            std::max(0.0, std::pow(double(chroma[t * 12 + c]), power) + double(deviation) * normal);
        ASSERT_NEAR(v.chroma[t * 12 + (c + 3) % 12], expected, 2e-6)
            << what << " " << seed << " " << t << " " << c;
      }
  }
  EXPECT_GT(raised, 2);
  EXPECT_LT(raised, 18);
}

TEST(Augment, NoiseIsThatOfRandomsDraws) {
  with_every_instruction_set(expect_noise_of_randoms_draws);
}

// A draw for each source frame, one after another, decides which are dropped.
TEST(Augment, DropsThoseThatRandomsDrawsSay) {
  AugmentParams params;
  params.crop = 4000;
  params.drop = 0.4f;
  with_every_instruction_set([&](const char* what) {
    for (const int frames : {1, 15, 16, 17, 500}) {
      Random random(7);
      random.uniform();  // stretch
      const float drop = random.uniform(0, params.drop);
      random.uniform();  // deviation of the noise
      random.uniform();  // whether an exponent applies
      std::vector<float> kept;
      for (int t = 0; t < frames; ++t)
        if (random.uniform() >= drop) kept.push_back(float(t));
      if (kept.empty()) kept.push_back(0);
      const Varied v = augment(numbered(frames), 7, params);
      ASSERT_EQ(v.where.frames, std::int32_t(kept.size())) << what;
      for (std::size_t t = 0; t < kept.size(); ++t)
        ASSERT_EQ(v.chroma[t * 12], kept[t]) << what << " " << frames;
    }
  });
}

// The frames of all bands are kept, stretched and cropped together, and rolled each band by itself.
TEST(Augment, BandsStayTogether) {
  AugmentParams params;
  params.crop = 60;
  params.stretch_low = 0.8f;
  params.stretch_high = 1.25f;
  params.drop = 0.2f;
  with_every_instruction_set([&](const char* what) {
    for (const int bands : {2, 3})
      for (const ChromaLayout& layout : chroma_layouts(random_chroma(90, 5, bands), bands))
        for (const int roll : {0, 7}) {
          const Varied all = augment(layout.view(), 3, params, roll);
          for (int b = 0; b < bands; ++b) {
            const Varied one = augment(layout.view().band(b), 3, params, roll);
            ASSERT_EQ(all.where.frames, one.where.frames);
            for (int t = 0; t < one.where.frames; ++t)
              for (int c = 0; c < 12; ++c)
                ASSERT_EQ(all.chroma[(t * bands + b) * 12 + c], one.chroma[t * 12 + c])
                    << what << ", " << layout.name() << " " << b << " " << t << " " << c;
          }
        }
  });
}

// Noise is drawn value by value, along the whole frame.
TEST(Augment, NoiseOfBandsIsThatOfRandomsDraws) {
  AugmentParams params;
  params.crop = 40;
  params.noise = 0.3f;
  const std::vector<float> chroma = random_chroma(40, 6, 2);
  const ChromaView view{chroma.data(), ChromaType::float32, 40, 2, 24};
  const Varied v = augment(view, 4, params, 3);
  Random random(4);
  random.uniform();  // stretch
  random.uniform();  // share of frames dropped
  const float deviation = random.uniform(0, params.noise);
  random.uniform();  // whether an exponent applies
  for (int i = 0; i < 40 * 24; ++i) {
    const double u = double(random.uniform()), turn = double(random.uniform());
    const double normal = std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * M_PI * turn);
    ASSERT_NEAR(v.chroma[i / 12 * 12 + (i + 3) % 12],
                std::max(0.0, double(chroma[i]) + double(deviation) * normal), 2e-6)
        << i;
  }
}

TEST(Augment, OneSeedOneResult) {
  AugmentParams params;
  params.stretch_low = 0.8f;
  params.stretch_high = 1.25f;
  params.drop = params.noise = 0.05f;
  const auto chroma = random_chroma(500, 7);
  EXPECT_EQ(augment(chroma, 3, params).chroma, augment(chroma, 3, params).chroma);
  EXPECT_NE(augment(chroma, 3, params).chroma, augment(chroma, 4, params).chroma);
}

TEST(Augment, OneFrameAndSilence) {
  AugmentParams params;
  params.stretch_low = params.stretch_high = 0.2f;
  params.drop = 0.9f;
  EXPECT_GE(augment(std::vector<float>(12, 0.5f), 1, params).where.frames, 1);
  for (const float value : augment(std::vector<float>(12 * 400, 0.0f), 1, params).chroma)
    EXPECT_TRUE(value == 0.0f || value == -1.0f);
}

}  // namespace
}  // namespace reprise
