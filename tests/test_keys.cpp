#include "model/keys.h"

#include <gtest/gtest.h>

#include <cmath>

#include "op_cases.h"

namespace reprise {
namespace {

PitchHistogram histogram_of(const std::vector<float>& frame) {
  return pitch_histogram(ChromaView{frame.data(), ChromaType::float32, 1});
}

// A C major triad, louder root: nothing repeats within an octave.
const std::vector<float> kTriad{1, 0, 0, 0, 0.6f, 0, 0, 0.8f, 0, 0, 0, 0};

std::vector<float> up(const std::vector<float>& frame, int semitones) {
  std::vector<float> result(12);
  for (int c = 0; c < 12; ++c) result[(c + semitones) % 12] = frame[c];
  return result;
}

TEST(Keys, HistogramIsCentredAndUnit) {
  const PitchHistogram h = histogram_of({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  // (11, -1, -1, ...) / 12, of length sqrt(132) / 12.
  EXPECT_NEAR(h[0], 11 / std::sqrt(132.0), 1e-6);
  for (int c = 1; c < 12; ++c) EXPECT_NEAR(h[c], -1 / std::sqrt(132.0), 1e-6);
}

TEST(Keys, FlatAndSilentSongsHaveNoKey) {
  for (const float level : {0.0f, 0.3f, 1.0f})
    for (const float value : histogram_of(std::vector<float>(12, level))) EXPECT_EQ(value, 0.0f);
  EXPECT_EQ(best_roll(histogram_of(std::vector<float>(12, 0.3f)), histogram_of(kTriad)), 0);
}

TEST(Keys, PairsAreAlignedByTheRollThatUndoesTheTransposition) {
  for (int semitones = 0; semitones < 12; ++semitones)
    EXPECT_EQ(best_roll(histogram_of(up(kTriad, semitones)), histogram_of(kTriad)),
              (12 - semitones) % 12);
}

TEST(Keys, RollsByFitStartWithTheBest) {
  // Two notes a fifth apart, against the triad: C and G themselves first.
  const auto rolls =
      rolls_by_fit(histogram_of({1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}), histogram_of(kTriad));
  EXPECT_EQ(rolls[0], 0);
  const auto scores =
      roll_scores(histogram_of({1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}), histogram_of(kTriad));
  for (int i = 1; i < 12; ++i) EXPECT_GE(scores[rolls[i - 1]], scores[rolls[i]]);
}

TEST(Keys, TemplateIsTheCommonShapeInOneKey) {
  std::vector<PitchHistogram> songs;
  for (int semitones = 0; semitones < 12; ++semitones)
    songs.push_back(histogram_of(up(kTriad, semitones * 7 % 12)));
  const PitchHistogram key = learn_key_template(songs);
  const PitchHistogram expected = rolled(histogram_of(kTriad), 0);
  for (int c = 0; c < 12; ++c) EXPECT_NEAR(key[c], expected[c], 1e-6);
}

TEST(Keys, RolledMovesUp) {
  const PitchHistogram h = rolled(histogram_of(kTriad), 2);
  const PitchHistogram expected = histogram_of(up(kTriad, 2));
  for (int c = 0; c < 12; ++c) EXPECT_FLOAT_EQ(h[c], expected[c]);
}

}  // namespace
}  // namespace reprise
