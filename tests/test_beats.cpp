#include "audio/beats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "audio/chroma.h"
#include "reprise/random.h"

namespace reprise {
namespace {

constexpr double kRate = 11025;

/// Short tones, `period` seconds apart from `first` on.
std::vector<float> clicks(double first, double period, double seconds) {
  std::vector<float> x(std::size_t(seconds * kRate));
  Random random(3);
  for (float& value : x) value = 0.001f * random.normal();
  for (double at = first; at < seconds; at += period)
    for (auto i = std::size_t(at * kRate); i < x.size() && double(i) / kRate < at + 0.1; ++i) {
      const double t = double(i) / kRate - at;
      x[i] += float(0.5 * std::exp(-t * 40) * std::sin(2 * std::numbers::pi * 660 * t));
    }
  return x;
}

Samples::Source source_of(const std::vector<float>& x) {
  return [&x, at = std::size_t(0)](std::span<float> out) mutable {
    const std::size_t count = std::min(out.size(), x.size() - at);
    std::copy_n(x.begin() + std::ptrdiff_t(at), count, out.begin());
    at += count;
    return count;
  };
}

TEST(Beats, AreWhereTheClicksAre) {
  for (const double tempo : {75.0, 96.0, 120.0, 133.0, 150.0}) {
    const double period = 60 / tempo;
    const std::vector<float> x = clicks(0.31, period, 20);
    Samples samples(source_of(x), std::int64_t(kRate));
    const std::vector<float> onsets = onset_strength(samples, kRate);
    EXPECT_NEAR(double(onsets.size()), 20 * kOnsetRate, 1);
    const double found = beat_period(onsets);
    EXPECT_NEAR(found / kOnsetRate, period, 1.1 / kOnsetRate) << tempo;
    const auto beats = track_beats(onsets, found);
    ASSERT_GE(double(beats.size()), 20 / period - 2) << tempo;
    for (std::size_t i = 1; i + 1 < beats.size(); ++i) {
      const double at = double(beats[i]) / kOnsetRate;
      const double nearest = 0.31 + period * std::round((at - 0.31) / period);
      EXPECT_NEAR(at, nearest, 0.035) << tempo << ", beat " << i;
    }
  }
}

// All sequences of beats, tried one by one.
double best_score(const std::vector<float>& onsets, double period, double tightness,
                  std::int64_t last) {
  double before = 0;  // or there is no beat before
  for (std::int64_t t = 0; t < last; ++t) {
    const auto lag = last - t;
    if (lag < std::llround(period / 2) || lag > std::llround(period * 2)) continue;
    const double ratio = std::log(double(lag) / period);
    before = std::max(before, best_score(onsets, period, tightness, t) - tightness * ratio * ratio);
  }
  return onsets[std::size_t(last)] + before;
}

double score(const std::vector<float>& onsets, const std::vector<std::int64_t>& beats,
             double period, double tightness) {
  double sum = 0;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    sum += onsets[std::size_t(beats[i])];
    if (i == 0) continue;
    const double ratio = std::log(double(beats[i] - beats[i - 1]) / period);
    sum -= tightness * ratio * ratio;
  }
  return sum;
}

TEST(Beats, ScoreAsHighAsAnySequenceCan) {
  Random random(11);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<float> onsets(18);
    for (float& value : onsets) value = random.normal();
    const double period = 3 + trial % 3, tightness = trial % 2 ? 2 : 30;
    double best = -std::numeric_limits<double>::infinity();
    for (auto last = 18 - std::llround(period); last < 18; ++last)
      best = std::max(best, best_score(onsets, period, tightness, last));
    EXPECT_NEAR(score(onsets, track_beats(onsets, period, tightness), period, tightness), best,
                1e-9)
        << trial;
  }
}

TEST(Beats, SilenceHasRegularOnes) {
  const std::vector<float> onsets(700, 0.0f);
  const auto beats = track_beats(onsets, beat_period(onsets));
  EXPECT_GT(beats.size(), 20u);
  for (std::size_t i = 1; i < beats.size(); ++i) EXPECT_EQ(beats[i] - beats[i - 1], 31);
  EXPECT_TRUE(track_beats({}, 31).empty());
}

TEST(Beats, MakeFramesOfTheSameLengthInMusicAndTempo) {
  // A melody of one note a beat at two tempos: the frames are the notes.
  const int melody[] = {60, 64, 67, 65, 62, 71, 69, 60, 64, 65, 67, 69, 71, 72, 74, 60,
                        62, 64, 60, 67, 65, 64, 62, 60, 67, 69, 71, 72, 71, 69, 67, 60};
  for (const double period : {0.5, 0.6}) {
    std::vector<float> x(std::size_t(32 * period * kRate));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double t = double(i) / kRate;
      const auto note = std::size_t(t / period);
      const double hz = 440 * std::exp2((melody[note] - 69) / 12.0);
      x[i] = float(0.4 * std::exp(-3 * (t - double(note) * period)) *
                   std::sin(2 * std::numbers::pi * hz * t));
    }
    ChromaSettings settings;
    settings.set("beats", "1");
    const AudioChroma song =
        ChromaExtractor(settings).extract([&]() -> Samples::Source { return source_of(x); });
    const auto frames = std::int64_t(song.chroma.size()) / 12;
    EXPECT_NEAR(double(frames), 32, 2) << period;
    EXPECT_NEAR(song.seconds, 32 * period, 0.01);
    // The frames' loudest notes, in order, hold the melody but for its ends.
    int right = 0;
    for (std::int64_t t = 1; t + 1 < std::min<std::int64_t>(frames, 31); ++t) {
      const float* frame = &song.chroma[std::size_t(t) * 12];
      const auto loudest = std::max_element(frame, frame + 12) - frame;
      right += loudest == melody[t] % 12;
    }
    EXPECT_GE(right, 27) << period;
  }
}

}  // namespace
}  // namespace reprise
