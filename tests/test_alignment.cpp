#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "chroma_layouts.h"
#include "every_instruction_set.h"
#include "oracle_alignment.h"
#include "random_chroma.h"
#include "reprise/backend.h"
#include "reprise/error.h"

namespace reprise {
namespace {

// Two songs one after another, the second in part a copy of the first at another speed and in
// another key.
struct PairCase {
  int query_frames;
  int candidate_frames;
  double speed;   // candidate frames for each query frame
  int key;        // of the copy, in semitones above the original
  int bands = 1;  // of both
  int apart = 0;  // values between the rows
};

std::ostream& operator<<(std::ostream& out, const PairCase& c) {
  return out << c.query_frames << "x" << c.candidate_frames << " speed " << c.speed << " key "
             << c.key << " bands " << c.bands << " apart " << c.apart;
}

class Alignment : public testing::TestWithParam<PairCase> {
 protected:
  void SetUp() override {
    const PairCase& c = GetParam();
    std::vector<float> chroma = random_chroma(c.query_frames + c.candidate_frames, 1, c.bands);
    for (int j = c.candidate_frames / 4; j < c.candidate_frames; ++j) {
      const int i = int((j - c.candidate_frames / 4) / c.speed);
      if (i >= c.query_frames) break;
      for (int b = 0; b < c.bands; ++b)
        for (int p = 0; p < kPitchClasses; ++p)
          chroma[((c.query_frames + j) * c.bands + b) * kPitchClasses +
                 (p + c.key) % kPitchClasses] *=
              0.3f + 0.7f * chroma[(i * c.bands + b) * kPitchClasses + p];
    }
    layout.emplace(chroma, c.bands, ChromaType::float32, c.apart);
    query = {0, c.query_frames, 0};
    candidate = {c.query_frames, c.candidate_frames, 0};
  }
  ChromaView view() const { return layout->view(); }
  float score(int roll) const {
    const AlignmentPair pair{0, 0, roll};
    float out = -1;
    make_cpu_backend(1)->run(ops::Align{.queries = {view(), &query, 1},
                                        .candidates = {view(), &candidate, 1},
                                        .pairs = &pair,
                                        .count = 1,
                                        .params = params,
                                        .scores = &out});
    return out;
  }
  void expect_definition(const char* name) const;

  std::optional<ChromaLayout> layout;
  Excerpt query, candidate;
  AlignmentParams params;
};

// The score of a path moves by no more than its cells do, so that the result lies between the best
// paths of cells lowered and raised by their bounds. One cell is off by
//   - half a sixteenth, as it is rounded to sixteenths (the shift);
//   - 2^-15 |X . Y| / sigma, as the gain has 15 bits;
//   - 1.5 units before the shift (product and subtrahend are rounded), 2^-shift sixteenths each,
//   where
//     2^-shift <= 2 * 16 / (88^2 sigma).
double rounding_bound(double z, double mean_to_sigma, double sigma) {
  return (0.5 + 1.5 * 32 / (88.0 * 88.0 * sigma)) / kAlignmentUnits +
         std::ldexp(std::abs(z) + mean_to_sigma, -15) + 1e-5;
}

// As rounding moves each value of a frame by at most 1/176, a product of frames moves by at most
// |x| |y - y'| + |x - x'| |y'|, one of states by eta = twice that; so do their mean and (a standard
// deviation being a norm) their standard deviation, and z by 2 eta / sigma' + |z| eta / sigma'.
double frame_bound(double z, double sigma, int width) {
  const double moved = std::sqrt(double(width)) / 176;
  const double eta = 2 * moved * (2 + moved);
  return (2 + std::abs(z)) * eta / sigma;
}

void Alignment::expect_definition(const char* name) const {
  for (const int roll : {0, 5, GetParam().key}) {
    Excerpt rolled = query;
    rolled.roll = roll;
    const auto x = oracle::alignment_frames(view(), rolled);
    const auto y = oracle::alignment_frames(view(), candidate);
    const int width = view().width();
    const oracle::RowScores exact = oracle::row_scores(x, y, width);
    const oracle::RowScores rounded =
        oracle::row_scores(oracle::rounded_frames(x), oracle::rounded_frames(y), width);
    const auto bounded = [&](const oracle::RowScores& r, double sign, bool frames) {
      return oracle::best_path(r.n, r.m, [&](std::int64_t i, std::int64_t j) {
        const double z = r.z[i * r.m + j], sigma = rounded.sigma[i];
        double bound = rounding_bound(rounded.z[i * r.m + j], 2 / sigma, sigma);
        if (frames) bound += frame_bound(z, sigma, width);
        return std::min(double{params.cap}, z - double{params.offset} + sign * bound);
      });
    };
    const double result = double{score(roll)};
    EXPECT_GE(result, bounded(rounded, -1, false)) << roll << " " << name;
    EXPECT_LE(result, bounded(rounded, 1, false)) << roll << " " << name;
    EXPECT_GE(result, bounded(exact, -1, true)) << roll << " " << name;
    EXPECT_LE(result, bounded(exact, 1, true)) << roll << " " << name;
    // Rounding errors have no preferred sign, so that most of them cancel along a path; those of a
    // product of frames add up as the root of the width.
    const double truth = oracle::alignment(exact, params);
    EXPECT_NEAR(result, truth, (0.01 * truth + 0.5) * std::sqrt(width / 12.0)) << roll;
  }
}

TEST_P(Alignment, EqualsTheDefinitionWithinWhatQuantisationAllows) {
  with_every_instruction_set([&](const char* name) { expect_definition(name); });
}

// Lengths around the width of a vector; shorter than a path's longest step.
INSTANTIATE_TEST_SUITE_P(Cases, Alignment,
                         testing::Values(PairCase{1, 1, 1, 0}, PairCase{1, 40, 1, 0},
                                         PairCase{40, 1, 1, 0}, PairCase{2, 3, 1, 1},
                                         PairCase{31, 32, 1, 3}, PairCase{33, 31, 1, 4},
                                         PairCase{64, 65, 1, 11}, PairCase{50, 100, 2, 7},
                                         PairCase{130, 90, 0.6, 2}, PairCase{257, 300, 1.2, 9}));
INSTANTIATE_TEST_SUITE_P(Bands, Alignment,
                         testing::Values(PairCase{64, 65, 1, 11, 1, 7}, PairCase{1, 40, 1, 0, 2},
                                         PairCase{130, 90, 0.6, 2, 2, 3},
                                         PairCase{50, 100, 2, 7, 3},
                                         PairCase{60, 70, 1.2, 9, kMaxBands}));

class AlignmentOp : public testing::Test {
 protected:
  std::vector<float> chroma = random_chroma(400, 7);
  ChromaView view() const { return {chroma.data(), ChromaType::float32, 400}; }
  std::unique_ptr<Backend> backend = make_cpu_backend(1);
};

TEST_F(AlignmentOp, TheTrueTranspositionScoresHighest) {
  for (std::int64_t t = 0; t < 150; ++t)
    for (int c = 0; c < kPitchClasses; ++c)
      chroma[(200 + t) * kPitchClasses + (c + 4) % kPitchClasses] = chroma[t * kPitchClasses + c];
  const Excerpt query{0, 150, 0}, candidate{200, 150, 0};
  std::vector<AlignmentPair> pairs;
  for (int roll = 0; roll < kPitchClasses; ++roll) pairs.push_back({0, 0, roll});
  std::vector<float> scores(pairs.size());
  backend->run(ops::Align{.queries = {view(), &query, 1},
                          .candidates = {view(), &candidate, 1},
                          .pairs = pairs.data(),
                          .count = 12,
                          .scores = scores.data()});
  for (int roll = 0; roll < kPitchClasses; ++roll)
    EXPECT_GT(scores[4], roll == 4 ? 0 : 5 * scores[roll]) << roll;
}

// The roll of the pair adds to that of the query's excerpt; a candidate may be rolled too.
TEST_F(AlignmentOp, RollsAddUp) {
  const Excerpt queries[] = {{0, 90, 0}, {0, 90, 11}};
  const Excerpt candidates[] = {{150, 120, 0}, {150, 120, 3}};
  const AlignmentPair pairs[] = {{0, 0, 2}, {1, 0, 3}, {0, 1, 5}};
  float scores[3];
  backend->run(ops::Align{.queries = {view(), queries, 2},
                          .candidates = {view(), candidates, 2},
                          .pairs = pairs,
                          .count = 3,
                          .scores = scores});
  EXPECT_GT(scores[0], 0);
  EXPECT_EQ(scores[0], scores[1]);
  EXPECT_EQ(scores[0], scores[2]);
}

TEST_F(AlignmentOp, SameScoresForAnyNumberOfThreadsAndEitherType) {
  std::vector<std::uint8_t> bytes;
  for (float& value : chroma) {
    bytes.push_back(static_cast<std::uint8_t>(std::lround(value * 255)));
    value = static_cast<float>(bytes.back()) * (1.0f / 255.0f);
  }
  std::vector<Excerpt> songs;
  std::vector<AlignmentPair> pairs;
  for (int i = 0; i < 8; ++i) songs.push_back({i * 50, 20 + 4 * i, i});
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j) pairs.push_back({i, j, (i + j) % kPitchClasses});
  std::vector<float> one(64), three(64), mixed(64);
  backend->run(ops::Align{.queries = {view(), songs.data(), 8},
                          .candidates = {view(), songs.data(), 8},
                          .pairs = pairs.data(),
                          .count = 64,
                          .scores = one.data()});
  const ChromaView small{bytes.data(), ChromaType::uint8, 400};
  make_cpu_backend(3)->run(ops::Align{.queries = {small, songs.data(), 8},
                                      .candidates = {small, songs.data(), 8},
                                      .pairs = pairs.data(),
                                      .count = 64,
                                      .scores = three.data()});
  backend->run(ops::Align{.queries = {view(), songs.data(), 8},
                          .candidates = {small, songs.data(), 8},
                          .pairs = pairs.data(),
                          .count = 64,
                          .scores = mixed.data()});
  EXPECT_EQ(one, three);
  EXPECT_EQ(one, mixed);
}

// To align one band is to align the chroma of that band alone.
TEST_F(AlignmentOp, OneBandOfMany) {
  chroma = random_chroma(400, 7, 3);
  const Excerpt songs[] = {{0, 150, 2}, {150, 250, 0}};
  const AlignmentPair pair{0, 1, 4};
  for (const ChromaLayout& layout : chroma_layouts(chroma, 3))
    for (int b = 0; b < 3; ++b) {
      std::vector<float> alone;
      const ChromaView band = layout.view().band(b);
      for (int t = 0; t < 400; ++t)
        for (int c = 0; c < kPitchClasses; ++c) alone.push_back(band.at(t, c));
      const ChromaView copy{alone.data(), ChromaType::float32, 400};
      float of_band = -1, of_copy = -2;
      const auto align = [&](ChromaView view, float& score) {
        const SongBatch both{view, songs, 2};
        backend->run(ops::Align{
            .queries = both, .candidates = both, .pairs = &pair, .count = 1, .scores = &score});
      };
      align(band, of_band);
      align(copy, of_copy);
      EXPECT_GT(of_copy, 0);
      EXPECT_EQ(of_band, of_copy) << layout.name() << " " << b;
    }
}

TEST_F(AlignmentOp, BandsOfBothMustAgree) {
  const Excerpt song{0, 50, 0};
  const AlignmentPair pair{0, 0, 0};
  float score;
  const ChromaView two{chroma.data(), ChromaType::float32, 200, 2, 24};
  EXPECT_THROW(backend->run(ops::Align{.queries = {view(), &song, 1},
                                       .candidates = {two, &song, 1},
                                       .pairs = &pair,
                                       .count = 1,
                                       .scores = &score}),
               InputError);
}

// A song whose frames are all alike has none that stand out: x is zero, every cell below zero.
TEST_F(AlignmentOp, MonotonyAndSilenceMatchNothing) {
  std::fill(chroma.begin(), chroma.begin() + 100 * kPitchClasses, 0.5f);
  const Excerpt songs[] = {{0, 100, 0}, {100, 200, 0}};
  const AlignmentPair pairs[] = {{0, 0, 0}, {0, 1, 0}, {1, 0, 0}};
  float scores[3];
  backend->run(ops::Align{.queries = {view(), songs, 2},
                          .candidates = {view(), songs, 2},
                          .pairs = pairs,
                          .count = 3,
                          .scores = scores});
  for (const float score : scores) EXPECT_EQ(score, 0);
}

// Three rows are kept whatever the length; the score stops at the limit of 16 bits.
TEST_F(AlignmentOp, LongSongsSaturate) {
  const int frames = 3000;
  chroma = random_chroma(frames, 8);
  const Excerpt song{0, frames, 0};
  const AlignmentPair pair{0, 0, 0};
  const ChromaView all{chroma.data(), ChromaType::float32, frames};
  float score = 0;
  backend->run(ops::Align{.queries = {all, &song, 1},
                          .candidates = {all, &song, 1},
                          .pairs = &pair,
                          .count = 1,
                          .scores = &score});
  EXPECT_EQ(score, kAlignmentLimit);
}

TEST_F(AlignmentOp, NoPairsAreNoWork) {
  backend->run(
      ops::Align{.queries = {view(), nullptr, 0}, .candidates = {view(), nullptr, 0}, .count = 0});
}

}  // namespace
}  // namespace reprise
