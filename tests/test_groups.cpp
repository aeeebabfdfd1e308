#include "reprise/groups.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

using Groups = std::vector<std::int64_t>;

double score(const Match& match) {
  return static_cast<double>(match.score);
}

TEST(Groups, JoinSongsThatFindEachOther) {
  const std::vector<std::vector<Match>> matches{
      {{0, 1.0f, 0}, {3, 0.9f, 0}},                // finds 3, which finds it
      {{2, 0.8f, 0}},                              // finds 2, which does not find it
      {{4, 0.95f, 0}},                             //
      {{0, 0.7f, 0}, {4, 0.8f, 0}},                // mean with 0: .8
      {{2, 0.5f, 0}, {3, 0.8f, 0}, {4, 1.0f, 0}},  // mean with 2: .725
      {},
  };
  EXPECT_EQ(group_by_mutual_matches(matches, score, 0.75), (Groups{0, 1, 2, 0, 0, 3}));
  EXPECT_EQ(group_by_mutual_matches(matches, score, 0.7), (Groups{0, 1, 0, 0, 0, 2}));
  EXPECT_EQ(group_by_mutual_matches(matches, score, 0.9), (Groups{0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(group_by_mutual_matches({}, score, 0).empty());
}

// 3 - 1 - 4 - 0 - 2: joined in any order, one group.
TEST(Groups, FollowChains) {
  const std::vector<std::vector<Match>> matches{{{4, 1, 0}, {2, 1, 0}},
                                                {{3, 1, 0}, {4, 1, 0}},
                                                {{0, 1, 0}},
                                                {{1, 1, 0}},
                                                {{1, 1, 0}, {0, 1, 0}}};
  EXPECT_EQ(group_by_mutual_matches(matches, score, 0.5), Groups(5, 0));
}

}  // namespace
}  // namespace reprise
