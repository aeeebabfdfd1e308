#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "core/pieces.h"

namespace reprise {
namespace {

using Calls = std::vector<std::pair<std::int64_t, std::int64_t>>;

// What in_pieces asks for where `most` at a time fit.
Calls calls(std::int64_t total, std::int64_t most) {
  Calls asked;
  in_pieces(total, [&](std::int64_t first, std::int64_t count) {
    asked.emplace_back(first, count);
    if (count > most) throw OutOfMemory("no more");
  });
  return asked;
}

TEST(Pieces, AllAtOnceWhereItFits) {
  EXPECT_EQ(calls(7, 7), (Calls{{0, 7}}));
  EXPECT_EQ(calls(0, 7), Calls{});
}

TEST(Pieces, HalvesUntilItFitsAndGoesOnWithThat) {
  EXPECT_EQ(calls(10, 3), (Calls{{0, 10}, {0, 5}, {0, 3}, {3, 3}, {6, 3}, {9, 1}}));
}

TEST(Pieces, ThrowsWhereOneDoesNotFit) {
  EXPECT_THROW(calls(5, 0), OutOfMemory);
}

TEST(Pieces, AnotherErrorIsNoReasonToTryAgain) {
  int times = 0;
  EXPECT_THROW(in_pieces(4,
                         [&](std::int64_t, std::int64_t) {
                           ++times;
                           throw Error("broken");
                         }),
               Error);
  EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace reprise
