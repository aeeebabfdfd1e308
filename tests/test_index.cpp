#include "reprise/index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "reprise/baselines.h"
#include "reprise/error.h"
#include "reprise/random.h"
#include "song_set_of.h"

namespace reprise {
namespace {

std::vector<std::int64_t> candidates_of(const std::vector<Match>& matches) {
  std::vector<std::int64_t> candidates;
  for (const Match& match : matches) candidates.push_back(match.candidate);
  return candidates;
}

// Cosines with (1, 0): 1, 0, -1, .6, 1, and 0 of the zero vector; lengths do not count.
TEST(Index, RanksByCosineTiesByPosition) {
  const auto backend = make_cpu_backend(1);
  const Index index(*backend, {6, 1, 2, {2, 0, 0, 5, -1, 0, 3, 4, 1, 0, 0, 0}, {0, 0, 0, 0, 0, 0}});
  const auto matches = index.search({1, 1, 2, {7, 0}, {0}}, 6);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(candidates_of(matches[0]), (std::vector<std::int64_t>{0, 4, 3, 1, 5, 2}));
  EXPECT_FLOAT_EQ(matches[0][0].score, 1);
  EXPECT_FLOAT_EQ(matches[0][2].score, 0.6f);
  EXPECT_FLOAT_EQ(matches[0][5].score, -1);
}

// The query in keys 3 and 10 against candidates stored in keys 5 and 0. Its key 3 is like the
// first: 3 - 5 = -2, up 10. Its key 10 is like the second: 10 - 0.
TEST(Index, TranspositionIsTheDifferenceOfTheKeys) {
  const auto backend = make_cpu_backend(1);
  const Index index(*backend, {2, 1, 2, {1, 0, 0, 1}, {5, 0}});
  const auto matches = index.search({1, 2, 2, {1, 0, 0.1f, 1}, {3, 10}}, 2)[0];
  ASSERT_EQ(candidates_of(matches), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(matches[0].transposition, 10);
  EXPECT_EQ(matches[1].transposition, 10);
  const Index swapped(*backend, {2, 1, 2, {0, 1, 1, 0}, {11, 3}});
  const auto others = swapped.search({1, 2, 2, {1, 0, 0, 1}, {3, 10}}, 2)[0];
  EXPECT_EQ(others[0].transposition, 11);  // 10 - 11
  EXPECT_EQ(others[1].transposition, 0);   // 3 - 3
}

TEST(Index, AsksForMoreOrLessThanThereIs) {
  const auto backend = make_cpu_backend(1);
  const Index index(*backend, {2, 1, 2, {1, 0, 0, 1}, {0, 0}});
  EXPECT_EQ(index.search({1, 1, 2, {1, 0}, {0}}, 10)[0].size(), 2u);
  EXPECT_EQ(index.search({1, 1, 2, {1, 0}, {0}}, 1)[0].size(), 1u);
  EXPECT_EQ(index.search({1, 1, 2, {1, 0}, {0}}, 0)[0].size(), 0u);
  EXPECT_TRUE(index.search({0, 1, 2, {}, {}}, 3).empty());
  const Index empty(*backend, {});
  EXPECT_TRUE(empty.search({1, 1, 2, {1, 0}, {0}}, 3)[0].empty());
}

TEST(Index, RefusesOtherShapes) {
  const auto backend = make_cpu_backend(1);
  const Index index(*backend, {1, 1, 2, {1, 0}, {0}});
  EXPECT_THROW(index.search({1, 1, 3, {1, 0, 0}, {0}}, 1), Error);
  EXPECT_THROW(Index(*backend, {1, 2, 1, {1, 0}, {0, 1}}), Error);
}

// Copies of a song in other keys: the transposition undoes what was done to them.
TEST(Index, FindsTransposedSongs) {
  const auto backend = make_cpu_backend(2);
  std::vector<TestSong> songs;
  for (int i = 0; i < 20; ++i)
    songs.push_back({fmt::format("s{}", i), "w", "test",
                     transposed(random_chroma(50, 100 + i), i % kPitchClasses)});
  const SongSet set = song_set_of(songs);
  for (auto& song : songs) song.chroma = transposed(song.chroma, 4);
  const SongSet higher = song_set_of(songs);
  std::vector<std::int64_t> all(20);
  std::iota(all.begin(), all.end(), 0);
  for (const char* name : {"cov", "corr"}) {
    const auto method = make_fingerprinter(name, *backend, set, {});
    const Index index(*backend, method->compute(set, all, Keys::candidate));
    const auto matches = index.search(method->compute(higher, all, Keys::query), 3);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(matches[i][0].candidate, i) << name;
      EXPECT_EQ(matches[i][0].transposition, 8) << name;
      EXPECT_NEAR(matches[i][0].score, 1, 1e-5) << name;
    }
  }
}

}  // namespace
}  // namespace reprise
