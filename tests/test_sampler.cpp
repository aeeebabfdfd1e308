#include "train/sampler.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "reprise/error.h"
#include "small_set.h"

namespace reprise {
namespace {

std::int64_t song_of(const SongSet& set, const TrainingExcerpt& take) {
  return std::upper_bound(set.offsets.begin(), set.offsets.end(), take.excerpt.first) -
         set.offsets.begin() - 1;
}

Config small_config() {
  Config config = Config::of_preset("reprise");
  config.works_per_batch = 6;
  return config;
}

TEST(Sampler, PairsAreVersionsAndWorksAreDifferent) {
  const SongSet set = small_set(12, 3);
  const Config config = small_config();
  Sampler sampler(set, config, {});
  EXPECT_EQ(sampler.works_with_versions(), 12);
  EXPECT_EQ(sampler.distractors(), 0);
  for (int step = 0; step < 30; ++step) {
    const TrainingBatch batch = sampler.draw(step);
    ASSERT_EQ(batch.takes.size(), 12u);
    std::set<std::int32_t> works;
    for (std::size_t r = 0; r < batch.takes.size(); r += 2) {
      const std::int64_t a = song_of(set, batch.takes[r]), b = song_of(set, batch.takes[r + 1]);
      EXPECT_EQ(set.work_id[a], set.work_id[b]);
      EXPECT_NE(a, b);
      EXPECT_EQ(set.split[a], "train");
      EXPECT_NE(batch.takes[r].seed, batch.takes[r + 1].seed);
      EXPECT_EQ(batch.works[r], batch.works[r + 1]);
      works.insert(batch.works[r]);
    }
    EXPECT_EQ(works.size(), 6u);
  }
}

TEST(Sampler, APassMeetsEveryWorkOnce) {
  const SongSet set = small_set(12, 2);
  const Config config = small_config();
  Sampler sampler(set, config, {});
  std::set<std::int32_t> works;
  for (int step = 0; step < 2; ++step)
    for (const std::int32_t work : sampler.draw(step).works) works.insert(work);
  EXPECT_EQ(works.size(), 12u);
}

// Half of the pairs leave the canonical key, together.
TEST(Sampler, RandomKeysMoveBothSongsOfSomePairs) {
  const SongSet set = small_set(12, 2);
  const Config canonical = small_config();
  Config mixed = canonical;
  mixed.random_keys = 0.5;
  const PitchHistogram key = pitch_histogram(set, 0);
  Sampler plain(set, canonical, key), both(set, mixed, key);
  int pairs = 0, moved = 0;
  for (int step = 0; step < 40; ++step) {
    const TrainingBatch a = plain.draw(step), b = both.draw(step);
    for (std::size_t r = 0; r < a.takes.size(); r += 2) {
      const int first = (b.takes[r].excerpt.roll - a.takes[r].excerpt.roll + 12) % 12;
      const int second = (b.takes[r + 1].excerpt.roll - a.takes[r + 1].excerpt.roll + 12) % 12;
      EXPECT_EQ(first, second);
      ++pairs;
      moved += first != 0;
    }
  }
  // 240 pairs, 11 in 24 of them moved: 110 expected, deviation 7.7.
  EXPECT_EQ(pairs, 240);
  EXPECT_GT(moved, 110 - 40);
  EXPECT_LT(moved, 110 + 40);
}

TEST(Sampler, DrawsFollowFromTheStepAlone) {
  const SongSet set = small_set(12, 3);
  const Config config = small_config();
  Sampler one(set, config, {}), other(set, config, {});
  one.draw(0);
  const TrainingBatch a = one.draw(7), b = other.draw(7);
  for (std::size_t r = 0; r < a.takes.size(); ++r) {
    EXPECT_EQ(a.takes[r].seed, b.takes[r].seed);
    EXPECT_EQ(a.takes[r].excerpt.first, b.takes[r].excerpt.first);
    EXPECT_EQ(a.takes[r].excerpt.roll, b.takes[r].excerpt.roll);
  }
  EXPECT_NE(one.draw(8).takes[0].seed, a.takes[0].seed);
}

TEST(Sampler, TunesDecideWhoIsADistractor) {
  SongSet set = small_set(6, 2);
  for (std::int64_t i = 0; i < set.songs(); ++i)  // the first three train works: one tune each
    set.tune_id.push_back(i < 6 ? set.work_id[i] : set.song_id[i]);
  Config config = small_config();
  config.distractors = 0.5;
  Sampler sampler(set, config, {});
  EXPECT_EQ(sampler.works_with_versions(), 3);
  EXPECT_EQ(sampler.distractors(), 3);
  for (int step = 0; step < 20; ++step)
    for (const TrainingBatch batch = sampler.draw(step); const TrainingExcerpt& take : batch.takes)
      EXPECT_EQ(set.split[song_of(set, take)], "train");
}

TEST(Sampler, AWorkOfOneSongPairsWithItself) {
  SongSet set = small_set(4, 2);
  set.work_id[7] = "alone";  // and the sixth song's work has only itself left too
  const Config config = small_config();
  Sampler sampler(set, config, {});
  EXPECT_EQ(sampler.works_with_versions(), 3);
  EXPECT_EQ(sampler.distractors(), 2);
}

TEST(Sampler, CoverAndNonCoverPairsByTurns) {
  const SongSet set = small_set(5, 3);
  Config config = Config::of_preset("seed2016");
  config.pairs_per_batch = 10;
  Sampler sampler(set, config, {});
  EXPECT_EQ(sampler.pairs(), 15);  // 3 pairs in each of 5 works
  std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
  for (int step = 0; step < 3; ++step) {
    const TrainingBatch batch = sampler.draw(step);
    ASSERT_EQ(batch.works.size(), 20u);
    for (std::size_t r = 0; r < 20; r += 2) {
      EXPECT_EQ(batch.works[r] == batch.works[r + 1], r % 4 == 0);
      if (r % 4 == 0) ++seen[{song_of(set, batch.takes[r]), song_of(set, batch.takes[r + 1])}];
    }
  }
  EXPECT_EQ(seen.size(), 15u);  // 3 steps of 5 cover pairs: each once
}

TEST(Sampler, NothingToLearnFromIsAnError) {
  const Config config = small_config();
  EXPECT_THROW(Sampler(small_set(4, 1), config, {}), Error);
  EXPECT_THROW(Sampler(small_set(1, 3), config, {}), Error);
}

}  // namespace
}  // namespace reprise
