#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/ops.h"
#include "every_instruction_set.h"
#include "oracle_published.h"
#include "random_chroma.h"
#include "tolerance.h"

namespace reprise {
namespace {

constexpr int kCov = 576, kCorr = 66;
constexpr int kLengths[] = {1, 2, 3, 63, 64, 65, 75, 76, 300};

std::vector<float> cov(ChromaView chroma, const std::vector<Excerpt>& excerpts, int threads = 1) {
  std::vector<float> out(excerpts.size() * kCov);
  cpu::covariance(chroma, excerpts.data(), excerpts.size(), threads, out.data());
  return out;
}

std::vector<float> corr(ChromaView chroma, const std::vector<Excerpt>& excerpts, int threads = 1) {
  std::vector<float> out(excerpts.size() * kCorr);
  cpu::correlation(chroma, excerpts.data(), excerpts.size(), threads, out.data());
  return out;
}

ChromaView view(const std::vector<float>& chroma) {
  return {chroma.data(), ChromaType::float32,
          static_cast<std::int64_t>(chroma.size()) / kPitchClasses};
}

// All lengths one after another in one matrix, so that reading past an excerpt shows.
TEST(Covariance, EqualsTheDefinition) {
  const std::vector<float> chroma = random_chroma(1000, 1);
  std::int64_t first = 0;
  for (const int frames : kLengths)
    for (const int roll : {0, 1, 11}) {
      const Excerpt excerpt{first, frames, roll};
      const std::string what = fmt::format("{} frames rolled by {}", frames, roll);
      expect_close(cov(view(chroma), {excerpt}), oracle::covariance<double>(view(chroma), excerpt),
                   oracle::covariance<float>(view(chroma), excerpt), "covariance, " + what);
      expect_close(corr(view(chroma), {excerpt}),
                   oracle::correlation<double>(view(chroma), excerpt),
                   oracle::correlation<float>(view(chroma), excerpt), "correlation, " + what);
      if (roll == 11) first += frames;
    }
}

TEST(Covariance, EveryInstructionSet) {
  const std::vector<float> chroma = random_chroma(200, 3);
  with_every_instruction_set([&](const char* name) {
    for (const int frames : {1, 17, 180}) {
      const Excerpt excerpt{3, frames, 5};
      expect_close(cov(view(chroma), {excerpt}), oracle::covariance<double>(view(chroma), excerpt),
                   oracle::covariance<float>(view(chroma), excerpt), name);
      expect_close(corr(view(chroma), {excerpt}),
                   oracle::correlation<double>(view(chroma), excerpt),
                   oracle::correlation<float>(view(chroma), excerpt), name);
    }
  });
}

TEST(Covariance, ReadsBytes) {
  std::vector<std::uint8_t> bytes;
  for (const float value : random_chroma(80, 2))
    bytes.push_back(static_cast<std::uint8_t>(value * 255));
  const ChromaView chroma{bytes.data(), ChromaType::uint8, 80};
  const Excerpt excerpt{5, 70, 3};
  expect_close(cov(chroma, {excerpt}), oracle::covariance<double>(chroma, excerpt),
               oracle::covariance<float>(chroma, excerpt), "covariance of bytes");
  expect_close(corr(chroma, {excerpt}), oracle::correlation<double>(chroma, excerpt),
               oracle::correlation<float>(chroma, excerpt), "correlation of bytes");
}

// Two pitch classes sound, C as 1 0 1 0 0 and D as 0 1 0 1 1. In the first four frames C about its
// mean 1/2 is (1, -1, 1, -1) / 2, and its change -1 1 -1 0 about its mean -1/4 is (-3, 5, -3, 1) /
// 4; D and its change are the opposite. Products: C.C = 1, C.dC = (-3 - 5 - 3 - 1) / 8 = -3/2. So
// the row of C is (C, D, dC, dD) = (1, -1, -3/2, 3/2), of squared length 13/2.
TEST(Covariance, HandWorked) {
  std::vector<float> chroma(5 * kPitchClasses);
  for (const int t : {0, 2}) chroma[t * kPitchClasses] = 1;
  for (const int t : {1, 3, 4}) chroma[t * kPitchClasses + 2] = 1;
  const std::vector<float> out = cov(view(chroma), {{0, 5, 0}});
  const float length = std::sqrt(6.5f);
  EXPECT_FLOAT_EQ(out[0], 1 / length);
  EXPECT_FLOAT_EQ(out[2], -1 / length);
  EXPECT_FLOAT_EQ(out[12], -1.5f / length);
  EXPECT_FLOAT_EQ(out[14], 1.5f / length);
  EXPECT_EQ(out[1], 0);

  // Correlation of C and D is -1; pairs are in the order 01 02 03 ...
  const std::vector<float> pairs = corr(view(chroma), {{0, 5, 0}});
  EXPECT_FLOAT_EQ(pairs[1], -1);
  EXPECT_EQ(pairs[0], 0);
  // Rolled up by one semitone they are C# and D#: pairs 01 .. 0B are 11 pairs, then 12, 13.
  EXPECT_FLOAT_EQ(corr(view(chroma), {{0, 5, 1}})[12], -1);
}

TEST(Covariance, RollPermutesRowsAndColumns) {
  const std::vector<float> chroma = random_chroma(100, 3);
  std::vector<Excerpt> keys;
  for (int roll = 0; roll < kPitchClasses; ++roll) keys.push_back({10, 80, roll});
  const std::vector<float> out = cov(view(chroma), keys);
  const auto rolled = [](int i, int roll) { return i / 12 * 12 + (i + roll) % 12; };
  for (int roll = 0; roll < kPitchClasses; ++roll)
    for (int i = 0; i < 24; ++i)
      for (int j = 0; j < 24; ++j)
        ASSERT_EQ(out[roll * kCov + rolled(i, roll) * 24 + rolled(j, roll)], out[i * 24 + j]);
}

TEST(Covariance, NothingChangesGivesZeros) {
  std::vector<float> constant(40 * kPitchClasses);
  for (std::size_t i = 0; i < constant.size(); ++i)
    constant[i] = static_cast<float>(i % kPitchClasses) / 255.0f;
  for (const std::vector<float>& chroma :
       {constant, std::vector<float>(40 * kPitchClasses, 0.0f)}) {
    for (const float value : cov(view(chroma), {{0, 40, 0}})) ASSERT_EQ(value, 0);
    for (const float value : corr(view(chroma), {{0, 40, 0}})) ASSERT_EQ(value, 0);
  }
  const std::vector<float> chroma = random_chroma(2, 4);
  for (const int frames : {1, 2})
    for (const float value : cov(view(chroma), {{0, frames, 0}})) ASSERT_EQ(value, 0);
  for (const float value : corr(view(chroma), {{0, 1, 0}})) ASSERT_EQ(value, 0);
}

TEST(Covariance, ThreadsDoNotMatter) {
  const std::vector<float> chroma = random_chroma(2000, 5);
  std::vector<Excerpt> excerpts;
  for (int song = 0; song < 40; ++song)
    for (int roll = 0; roll < 1 + song % 3; ++roll) excerpts.push_back({song * 50, 50, roll});
  EXPECT_EQ(cov(view(chroma), excerpts, 1), cov(view(chroma), excerpts, 3));
  EXPECT_EQ(corr(view(chroma), excerpts, 1), corr(view(chroma), excerpts, 3));
}

}  // namespace
}  // namespace reprise
