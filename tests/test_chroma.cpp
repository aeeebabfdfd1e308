#include "audio/chroma.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "oracle_chroma.h"
#include "reprise/error.h"
#include "reprise/random.h"
#include "tolerance.h"

namespace reprise {
namespace {

double hz(double note) {
  return 440 * std::exp2((note - 69) / 12);
}

/// A note with `partials` partials, each .6 of the one below.
void play(std::vector<float>& x, double rate, double note, double begin, double end,
          int partials = 1, double loudness = 0.2) {
  for (auto i = std::size_t(begin * rate); i < x.size() && double(i) < end * rate; ++i)
    for (int h = 1; h <= partials; ++h)
      if (h * hz(note) < rate / 2)
        x[i] += float(loudness * std::pow(0.6, h - 1) *
                      std::sin(2 * std::numbers::pi * h * hz(note) * double(i) / rate));
}

AudioChroma extract(const std::vector<float>& x, const ChromaSettings& settings = {}) {
  return ChromaExtractor(settings).extract([&]() -> Samples::Source {
    return [&, at = std::size_t(0)](std::span<float> out) mutable {
      const std::size_t count = std::min(out.size(), x.size() - at);
      std::copy_n(x.begin() + std::ptrdiff_t(at), count, out.begin());
      at += count;
      return count;
    };
  });
}

int loudest(const float* frame) {
  return int(std::max_element(frame, frame + 12) - frame);
}

ChromaSettings changed(std::initializer_list<std::pair<const char*, const char*>> values) {
  ChromaSettings settings;
  for (const auto& [key, value] : values) settings.set(key, value);
  return settings;
}

/// Two seconds of what the definition is tried on.
std::vector<float> example(const std::string& name, double rate) {
  std::vector<float> x(std::size_t(2 * rate), 0.0f);
  Random random(7);
  if (name == "chords") {
    for (const double note : {48.0, 60.0, 64.0, 67.0}) play(x, rate, note, 0, 1, 6);
    for (const double note : {43.0, 59.0, 62.0, 71.0}) play(x, rate, note, 1, 2, 6);
  } else if (name == "detuned") {
    for (const double note : {57.37, 61.37, 64.37}) play(x, rate, note, 0, 2, 8);
  } else if (name == "noise") {
    for (float& value : x) value = 0.1f * random.normal();
  } else if (name == "chirp") {
    double phase = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      phase += 2 * std::numbers::pi * hz(36 + 60.0 * double(i) / double(x.size())) / rate;
      x[i] = float(0.3 * std::sin(phase));
    }
  } else if (name == "pauses") {
    play(x, rate, 69, 0.3, 0.5, 4);
    play(x, rate, 74, 1.7, 1.9, 4);
  }
  return x;
}

// Tolerance: as ops, on chroma (at most 1); where a frame is ill-conditioned the plain float loop
// shows how far.
void expect_definition(const std::vector<float>& x, const ChromaSettings& settings,
                       const std::string& what) {
  const AudioChroma result = extract(x, settings);
  const auto truth = oracle::chroma<double>(x, settings);
  const auto plain = oracle::chroma<float>(x, settings);
  EXPECT_NEAR(result.tuning, truth.tuning, 1e-5) << what;
  expect_close(result.chroma, truth.chroma, plain.chroma, what);
}

TEST(Chroma, IsWhatTheDefinitionSays) {
  // A lower rate and shorter windows keep the plain loops quick.
  const ChromaSettings small = changed({{"rate", "4000"},
                                        {"longest_window", "2048"},
                                        {"shortest_window", "512"},
                                        {"lowest", "40"},
                                        {"highest", "88"}});
  for (const char* name : {"chords", "detuned", "noise", "chirp", "pauses"})
    expect_definition(example(name, small.rate), small, name);
}

TEST(Chroma, IsWhatTheDefinitionSaysWithOtherSettings) {
  for (const auto& [key, value] : {std::pair{"frames_per_second", "1.3"},
                                   {"frames_per_second", "20"},
                                   {"shortest_window", "2048"},
                                   {"lowest", "47"},
                                   {"tuning", "0"},
                                   {"harmonics", "0"},
                                   {"decay", "0.3"},
                                   {"silence", "-20"}}) {
    ChromaSettings settings = changed({{"rate", "4000"},
                                       {"longest_window", "2048"},
                                       {"shortest_window", "512"},
                                       {"lowest", "40"},
                                       {"highest", "88"}});
    settings.set(key, value);
    std::vector<float> x = example("detuned", settings.rate);
    x.resize(5000);
    expect_definition(x, settings, std::string(key) + "=" + value);
  }
}

TEST(Chroma, OfTheDefaultSettingsIsWhatTheDefinitionSays) {
  const ChromaSettings settings;
  std::vector<float> x = example("chords", settings.rate);
  x.resize(7000);  // three frames
  expect_definition(x, settings, "defaults");
}

TEST(Chroma, EveryNoteFallsIntoItsColumn) {
  const ChromaSettings settings;
  for (int note = int(settings.lowest); note <= int(settings.highest); ++note)
    for (const int partials : {1, 8}) {
      std::vector<float> x(std::size_t(settings.rate));
      play(x, settings.rate, note, 0, 1, partials);
      const AudioChroma result = extract(x);
      ASSERT_EQ(result.chroma.size(), 5u * 12);
      for (int t = 0; t < 5; ++t) {
        const float* frame = &result.chroma[std::size_t(t) * 12];
        EXPECT_EQ(loudest(frame), note % 12) << "note " << note << ", frame " << t;
        EXPECT_EQ(frame[note % 12], 1.0f);
      }
    }
}

TEST(Chroma, PartialsAreTheirNotes) {
  // A note of many partials: the fifth above (partial 3) and the third (partial 5) are strong in
  // the spectrum and not in the chroma.
  std::vector<float> x(std::size_t(2 * ChromaSettings().rate));
  play(x, ChromaSettings().rate, 48, 0, 2, 12);
  const AudioChroma with = extract(x);
  const AudioChroma without = extract(x, changed({{"harmonics", "0"}}));
  const float* a = &with.chroma[4 * 12];
  const float* b = &without.chroma[4 * 12];
  EXPECT_GT(b[7], 0.2f);
  EXPECT_LT(a[7], 0.1f);
  EXPECT_LT(a[4], 0.1f);
}

TEST(Chroma, TuningIsRecovered) {
  const ChromaSettings settings;
  for (int cents = -48; cents <= 48; cents += 8)
    for (const int partials : {1, 6}) {
      std::vector<float> x(std::size_t(3 * settings.rate));
      const double off = cents / 100.0;
      const int melody[] = {60, 64, 67, 65, 62, 71};
      for (int i = 0; i < 6; ++i)
        play(x, settings.rate, melody[i] + off, i * 0.5, i * 0.5 + 0.5, partials);
      const AudioChroma result = extract(x);
      EXPECT_NEAR(result.tuning * 100, cents, 3) << partials << " partials";
      for (int i = 0; i < 6; ++i) {
        const auto frame = std::size_t((i * 0.5 + 0.25) * settings.frames_per_second);
        EXPECT_EQ(loudest(&result.chroma[frame * 12]), melody[i] % 12) << cents << " cents";
      }
    }
  // Half a semitone either way is the same sound.
  std::vector<float> x(std::size_t(3 * settings.rate));
  play(x, settings.rate, 60.5, 0, 3, 6);
  EXPECT_NEAR(std::abs(extract(x).tuning), 0.5, 0.03);
}

TEST(Chroma, LoudnessChangesNothing) {
  const ChromaSettings settings;
  const std::vector<float> x = example("chords", settings.rate);
  std::vector<float> quiet = x;
  for (float& value : quiet) value *= 0.0078125f;  // a power of two: exactly the same digits
  EXPECT_EQ(extract(quiet).chroma, extract(x).chroma);
}

TEST(Chroma, SilenceIsZeros) {
  const ChromaSettings settings;
  const AudioChroma silent = extract(std::vector<float>(std::size_t(settings.rate)));
  EXPECT_EQ(silent.chroma, std::vector<float>(5 * 12, 0.0f));
  std::vector<float> x(std::size_t(4 * settings.rate));
  play(x, settings.rate, 69, 3, 4);
  const AudioChroma late = extract(x);
  for (int c = 0; c < 12; ++c) EXPECT_EQ(late.chroma[std::size_t(c)], 0.0f);
  EXPECT_EQ(loudest(&late.chroma[16 * 12]), 9);
}

TEST(Chroma, HasAsManyFramesAsTheSongIsLong) {
  const ChromaSettings settings;
  EXPECT_TRUE(extract({}).chroma.empty());
  for (const auto& [samples, frames] : {std::pair<std::size_t, std::size_t>{1, 1},
                                        {2450, 1},
                                        {3674, 1},
                                        {3675, 2},
                                        {11025, 5},
                                        {10 * 11025, 45}})
    EXPECT_EQ(extract(std::vector<float>(samples, 0.5f)).chroma.size(), frames * 12) << samples;
}

// Beyond the first ten minutes, whose tuning is the song's, frames come out one by one.
TEST(Chroma, LongSongsAreReadInConstantMemory) {
  ChromaSettings settings = changed({{"rate", "4000"}, {"highest", "80"}, {"harmonics", "0"}});
  std::size_t left = 700 * 4000;
  std::size_t at = 0;
  const AudioChroma result = ChromaExtractor(settings).extract([&]() -> Samples::Source {
    return [&](std::span<float> out) {
      const std::size_t count = std::min(out.size(), left);
      for (std::size_t i = 0; i < count; ++i, ++at)
        out[i] = float(0.3 * std::sin(2 * std::numbers::pi * hz(64.2) * double(at) / 4000));
      left -= count;
      return count;
    };
  });
  ASSERT_EQ(result.chroma.size(), 3150u * 12);
  EXPECT_NEAR(result.tuning, 0.2, 0.03);
  for (std::size_t t = 1; t + 1 < 3150; ++t) EXPECT_EQ(loudest(&result.chroma[t * 12]), 4) << t;
}

TEST(ChromaSettings, GoThroughTheirDescription) {
  ChromaSettings settings;
  EXPECT_EQ(settings.description(),
            "audio-1 frames_per_second=4.5 rate=11025 longest_window=8192 shortest_window=2048 "
            "lowest=33 highest=107 tuning=1 harmonics=30 decay=0.7 silence=-80");
  settings.set("frames_per_second", "2.25");
  settings.set("harmonics", "0");
  EXPECT_EQ(ChromaSettings::of_description(settings.description(), "x"), settings);
  const auto message = [](const std::string& line) -> std::string {
    try {
      ChromaSettings::of_description(line, "m.safetensors");
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(message("beat2012"),
            "m.safetensors: expected chroma that this program makes from audio (audio-1), found "
            "'beat2012'");
  EXPECT_EQ(message("audio-1 rate=fast"),
            "m.safetensors: chroma: rate: expected a number, found 'fast'");
  EXPECT_EQ(message("audio-1 rate"), "m.safetensors: chroma: rate: expected a number, found ''");
  EXPECT_EQ(message("audio-1 speed=1").find("m.safetensors: chroma: unknown chroma setting"), 0u);
}

TEST(ChromaSettings, RefuseWhatIsOutOfRange) {
  const auto message = [](std::initializer_list<std::pair<const char*, const char*>> values) {
    try {
      changed(values).validate();
    } catch (const SettingsError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(message({}), "none");
  EXPECT_EQ(message({{"rate", "1"}}), "rate: expected a whole number from 4000 to 48000, found 1");
  EXPECT_EQ(message({{"rate", "11025.5"}}),
            "rate: expected a whole number from 4000 to 48000, found 11025.5");
  EXPECT_EQ(message({{"frames_per_second", "nan"}}),
            "frames_per_second: expected 0.5 to 50, found nan");
  EXPECT_EQ(message({{"longest_window", "3000"}}),
            "longest_window: expected a power of two, found 3000");
  EXPECT_EQ(message({{"longest_window", "1024"}}),
            "shortest_window: expected at most longest_window");
  EXPECT_EQ(message({{"lowest", "100"}}), "highest: expected an octave above lowest, or more");
  EXPECT_EQ(message({{"rate", "8000"}}),
            "highest: expected at most 101 at a rate of 8000 Hz, found 107");
}

}  // namespace
}  // namespace reprise
