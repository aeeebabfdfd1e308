#include "reprise/rerank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "evaluate/cohort.h"
#include "reprise/baselines.h"
#include "small_set.h"
#include "song_set_of.h"

namespace reprise {
namespace {

constexpr Aligner kRowZ[] = {Aligner::row_z};
const ScoreCalibration kByAlignment{{{0, 1, 0, 0, 2}, {}, {}}, {1, 0}, {}, {}};

// F = 2 * .5 + 3 ln(1 + e - 1) - 4 ln 1 - 5 ln 1 - 6 = -2; a * .5 - b = 7 * .5 - 8.
TEST(ScoreCalibration, HandWorked) {
  const ScoreCalibration c{{{2, 3, 4, 5, 6}, {}, {}}, {7, 8}, {}, {}};
  EXPECT_NEAR(c.log_odds_aligned(Aligner::row_z, 0.5, std::exp(1.0) - 1, 1, 1), -2, 1e-12);
  EXPECT_NEAR(c.log_odds_aligned(Aligner::row_z, 0, 0, 100, 10),
              -4 * std::log(100.0) - 5 * std::log(10.0) - 6, 1e-12);
  EXPECT_NEAR(c.log_odds_unaligned(0.5), -4.5, 1e-12);
}

// Cohort of two songs along the axes. The query (.6, .8) is .6 and .8 like them: mean .7, deviation
// .1; the candidate (1, 0) 1 and 0: mean .5, deviation .5. Each deviation is raised by .001.
TEST(ScoreCalibration, CohortsByHand) {
  const auto backend = make_cpu_backend(1);
  const std::vector<float> axes{1, 0, 0, 1};
  const Cohort cohort(*backend, axes, 2);
  Fingerprints songs;
  songs.songs = 2;
  songs.dims = 2;
  songs.values = {3, 4, 2, 0};  // of any length
  songs.rolls = {0, 0};
  const auto statistics = cohort.statistics(songs);
  ASSERT_EQ(statistics.size(), 2u);
  EXPECT_NEAR(statistics[0].mean, 0.7, 1e-6);
  EXPECT_NEAR(statistics[0].deviation, 0.101, 1e-6);
  EXPECT_NEAR(statistics[1].mean, 0.5, 1e-6);
  EXPECT_NEAR(statistics[1].deviation, 0.501, 1e-6);
  EXPECT_NEAR(Cohort::normalised(0.6, statistics[0], statistics[1]),
              (-0.1 / 0.101 + 0.1 / 0.501) / 2, 1e-5);
  // Of a song in two keys the better counts: (1, 0) or (0, 1) is all of each.
  Fingerprints keys = songs;
  keys.songs = 1;
  keys.keys = 2;
  keys.values = axes;
  EXPECT_NEAR(cohort.statistics(keys).at(0).mean, 1, 1e-6);
}

class Rerank : public testing::Test {
 protected:
  // Song 0 is the query; song 3 is a copy of it five semitones higher, the others are not.
  void SetUp() override {
    const auto melody = random_chroma(80, 5);
    set = song_set_of({{"query", "a", "test", melody},
                       {"one", "b", "test", random_chroma(60, 6)},
                       {"two", "c", "test", random_chroma(90, 7)},
                       {"copy", "a", "test", transposed(melody, 5)},
                       {"four", "d", "test", random_chroma(80, 8)}});
    candidates.resize(5);
    std::iota(candidates.begin(), candidates.end(), 0);
    for (const std::int64_t candidate : {4, 2, 3, 1})
      first.push_back({candidate, 0.5f, candidate == 3 ? 5 : 0});
  }
  std::vector<std::int64_t> order(int k) {
    std::vector<std::vector<Match>> matches{first};
    rerank(*make_cpu_backend(1), set, songs, set, candidates, kByAlignment, {k}, matches);
    std::vector<std::int64_t> found;
    for (const Match& match : matches[0]) found.push_back(match.candidate);
    last = matches[0];
    return found;
  }

  SongSet set;
  const std::vector<std::int64_t> songs{0};
  std::vector<std::int64_t> candidates;
  std::vector<Match> first, last;
};

TEST_F(Rerank, OrdersTheFirstByFusedScoreAndLeavesTheRest) {
  EXPECT_EQ(order(3)[0], 3);
  EXPECT_EQ(order(3)[3], 1);
  EXPECT_EQ(last[0].transposition, 5);
  EXPECT_GT(last[0].alignment, 100);
  EXPECT_NEAR(last[0].log_odds, std::log1p(double{last[0].alignment}) - 2, 1e-9);
  EXPECT_GE(last[1].log_odds, last[2].log_odds);
  EXPECT_EQ(last[3].alignment, 0);
  // The copy is third: out of reach of two.
  EXPECT_EQ(order(2)[2], 3);
  EXPECT_EQ(order(100)[0], 3);
}

TEST_F(Rerank, EveryAlignerPutsTheCopyFirst) {
  ScoreCalibration calibration = kByAlignment;
  for (std::vector<float>& weights : calibration.fused) weights = calibration.fused[0];
  for (const Aligner aligner : {Aligner::row_z, Aligner::row_z_half, Aligner::qmax}) {
    std::vector<std::vector<Match>> matches{first};
    rerank(*make_cpu_backend(1), set, songs, set, candidates, calibration, {4, aligner}, matches);
    EXPECT_EQ(matches[0][0].candidate, 3) << name_of(aligner);
    EXPECT_GT(matches[0][0].alignment, 2 * matches[0][1].alignment) << name_of(aligner);
  }
}

TEST_F(Rerank, TheWrongTranspositionFindsNothing) {
  first[2].transposition = 4;
  order(4);
  for (const Match& match : last) EXPECT_LT(match.alignment, 60) << match.candidate;
}

// More queries than are aligned at once, of another set and type than the candidates.
TEST_F(Rerank, ManyQueriesOfAnotherSet) {
  SongSet asked;
  asked.type = ChromaType::uint8;
  std::vector<std::int64_t> all;
  for (int q = 0; q < 300; ++q) {
    const std::int64_t from = q % 5;
    for (std::int64_t i = set.offsets[from] * 12; i < set.offsets[from + 1] * 12; ++i)
      asked.chroma_uint8.push_back(
          static_cast<std::uint8_t>(std::lround(set.chroma_float[i] * 255)));
    asked.offsets.push_back(asked.offsets.back() + set.frames(from));
    asked.song_id.push_back(std::to_string(q));
    all.push_back(q);
  }
  std::vector<std::vector<Match>> matches(300);
  for (std::vector<Match>& of_query : matches)
    for (std::int64_t candidate = 0; candidate < 5; ++candidate)
      of_query.push_back({candidate, 0.5f, 0});
  rerank(*make_cpu_backend(2), asked, all, set, candidates, kByAlignment, {5}, matches);
  for (int q = 0; q < 300; ++q) EXPECT_EQ(matches[q][0].candidate, q % 5) << q;
}

// A weak fingerprint on songs whose melodies differ: fitted on one split, the second stage helps on
// another, and its probabilities add up to about the number of versions where it was fitted.
TEST(Reranked, HelpsWhereItWasNotFitted) {
  const auto backend = make_cpu_backend(2);
  const SongSet set = small_set(12, 3);
  const auto method = make_fingerprinter("corr", *backend, set, {});
  const Protocol validation = make_protocol(set, "validation"), test = make_protocol(set, "test");
  const ScoreCalibration calibration = fit_calibration(*backend, set, validation, *method, kRowZ);
  ASSERT_EQ(calibration.fused[0].size(), 5u);
  ASSERT_EQ(calibration.cosine.size(), 2u);
  EXPECT_GT(calibration.fused[0][1], 0);

  const Evaluation fitted = evaluate_reranked(*backend, set, validation, *method, calibration, {});
  double expected = 0, versions = 0;
  for (const ScoredPair& j : fitted.scored_pairs) {
    expected += 1 / (1 + std::exp(-j.log_odds));
    versions += j.version;
  }
  EXPECT_EQ(versions, 36 * 2);
  EXPECT_NEAR(expected, versions, 0.01 * versions);  // as the constant has no penalty

  const Evaluation before = evaluate(*backend, set, test, *method);
  const Evaluation after = evaluate_reranked(*backend, set, test, *method, calibration, {20});
  EXPECT_EQ(after.name, "corr + row-z of 20");
  EXPECT_GT(after.accuracy.map, before.accuracy.map + 0.1);
  ASSERT_EQ(after.ranks.size(), before.ranks.size());
  for (std::size_t q = 0; q < after.ranks.size(); ++q) {
    ASSERT_EQ(after.ranks[q].size(), 2u);
    for (std::size_t v = 0; v < 2; ++v)
      if (before.ranks[q][v] > 20) {
        EXPECT_EQ(after.ranks[q][v], before.ranks[q][v]);
      }
  }
}

TEST(Reranked, OneAnswerIsTheFirstStage) {
  const auto backend = make_cpu_backend(1);
  const SongSet set = small_set(6, 3);
  const auto method = make_fingerprinter("cov", *backend, set, {});
  const Protocol test = make_protocol(set, "test");
  EXPECT_EQ(evaluate_reranked(*backend, set, test, *method, kByAlignment, {1}).ranks,
            evaluate(*backend, set, test, *method).ranks);
}

}  // namespace
}  // namespace reprise
