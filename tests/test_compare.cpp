#include "reprise/compare.h"

#include <gtest/gtest.h>

#include <set>

#include "catalogue_fixture.h"
#include "oracle_alignment.h"
#include "random_chroma.h"
#include "tolerance.h"

namespace reprise {
namespace {

class Compare : public testing::Test {
 protected:
  // Frames 10 to 50 of the first song are 60 to 100 of the second, two semitones higher; frames 60
  // to 85 are 5 to 30, where no path goes on from the others.
  Compare() : chroma(random_chroma(kFirst + kSecond, 4)) {
    copy(10, 60, 40);
    copy(60, 5, 25);
    a = {0, kFirst, 2};
    b = {kFirst, kSecond, 0};
  }
  void copy(int from, int to, int frames) {
    for (int t = 0; t < frames; ++t)
      for (int c = 0; c < kPitchClasses; ++c)
        chroma[(kFirst + to + t) * kPitchClasses + (c + 2) % kPitchClasses] =
            chroma[(from + t) * kPitchClasses + c];
  }
  ChromaView view() const { return {chroma.data(), ChromaType::float32, kFirst + kSecond}; }
  SongAlignment align(int most = 8, const AlignmentParams& params = {}) const {
    return align_songs(view(), a, view(), b, params, most);
  }

  static constexpr int kFirst = 100, kSecond = 140;
  std::vector<float> chroma;
  Excerpt a, b;
};

TEST_F(Compare, ScoresAreTheDefinitions) {
  const auto truth =
      oracle::row_scores(oracle::alignment_frames(view(), a), oracle::alignment_frames(view(), b));
  const SongAlignment found = align();
  ASSERT_EQ(found.scores.size(), truth.z.size());
  for (std::size_t i = 0; i < truth.z.size(); ++i)
    ASSERT_NEAR(double{found.scores[i]}, std::min(3.0, truth.z[i] - 1.25), 1e-4) << i;
  EXPECT_NEAR(double{found.stretches.at(0).score}, oracle::alignment(truth, {}),
              1e-3 * oracle::alignment(truth, {}));
}

TEST_F(Compare, PathsStepAsTheyMayAndAddUpToTheirScores) {
  std::set<std::int32_t> rows, columns;
  for (const Stretch& stretch : align().stretches) {
    float sum = 0;
    for (std::size_t i = 0; i < stretch.path.size(); ++i) {
      const auto [row, column] = stretch.path[i];
      sum += align().scores[row * kSecond + column];
      // No frame is in two stretches.
      EXPECT_TRUE(rows.insert(row).second);
      EXPECT_TRUE(columns.insert(column).second);
      if (i == 0) continue;
      const auto [row_before, column_before] = stretch.path[i - 1];
      const std::pair step{row - row_before, column - column_before};
      EXPECT_TRUE((step == std::pair{1, 1} || step == std::pair{2, 1} || step == std::pair{1, 2}));
    }
    EXPECT_NEAR(sum, stretch.score, 1e-3 * stretch.score);
  }
}

TEST_F(Compare, FindsBothStretches) {
  // Frames that are drawn at random have no memory: a path through them costs less than in music.
  const AlignmentParams strict{.offset = 2.5f};
  const SongAlignment found = align(8, strict);
  ASSERT_GE(found.stretches.size(), 2u);
  const auto holds = [](const Stretch& s, int from, int to) {
    return std::find(s.path.begin(), s.path.end(), std::pair{from, to}) != s.path.end();
  };
  EXPECT_TRUE(holds(found.stretches[0], 15, 65) && holds(found.stretches[0], 45, 95));
  EXPECT_TRUE(holds(found.stretches[1], 65, 10) && holds(found.stretches[1], 80, 25));
  EXPECT_EQ(align(1, strict).stretches.size(), 1u);
}

TEST_F(Compare, SilenceAgreesWithNothing) {
  std::fill(chroma.begin(), chroma.begin() + kFirst * kPitchClasses, 0.0f);
  EXPECT_TRUE(align().stretches.empty());
}

TEST_F(Compare, SongsTooLongAreRefused) {
  a.frames = b.frames = 1 << 15;
  EXPECT_EQ(error_of([&] { align(); }),
            "comparison: expected at most 268435456 pairs of frames, found 32768 x 32768");
}

TEST_F(Compare, ThePictureIsWholeAndNamesAreText) {
  const SongAlignment found = align();
  for (const double frames_per_second : {0.0, 4.5}) {
    const std::string svg =
        comparison_svg({"<A>", "B & C", "a cover", view(), view(), a, b, frames_per_second}, found);
    EXPECT_EQ(svg.substr(0, 4), "<svg");
    EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
    EXPECT_NE(svg.find("&lt;A&gt; (down)  and  B &amp; C (across)"), std::string::npos);
    std::size_t lines = 0, images = 0;
    for (std::size_t at = 0; (at = svg.find("<polyline", at)) != std::string::npos; ++at) ++lines;
    for (std::size_t at = 0; (at = svg.find("data:image/png", at)) != std::string::npos; ++at)
      ++images;
    EXPECT_EQ(lines, found.stretches.size());
    EXPECT_EQ(images, 3u);
  }
}

}  // namespace
}  // namespace reprise
