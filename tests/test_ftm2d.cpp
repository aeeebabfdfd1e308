#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/run.h"
#include "chroma_layouts.h"
#include "every_instruction_set.h"
#include "oracle_published.h"
#include "random_chroma.h"
#include "tolerance.h"

namespace reprise {
namespace {

const Ftm2dParams kOriginal{};  // Bertin-Mahieux & Ellis 2012
const Ftm2dParams kSeed{64, 64, 2, false, false, false};

std::vector<float> ftm2d(ChromaView chroma, const std::vector<Excerpt>& excerpts,
                         const Ftm2dParams& params, int threads = 1) {
  std::vector<float> out(excerpts.size() * params.dims());
  cpu::run(ops::Ftm2d{.songs = {chroma, excerpts.data(), std::int64_t(excerpts.size())},
                      .params = params,
                      .out = out.data()},
           {.threads = threads});
  return out;
}

ChromaView view(const std::vector<float>& chroma) {
  return {chroma.data(), ChromaType::float32,
          static_cast<std::int64_t>(chroma.size()) / kPitchClasses};
}

void expect_definition(ChromaView chroma, const Excerpt& excerpt, const Ftm2dParams& params,
                       const std::string& what) {
  expect_close(ftm2d(chroma, {excerpt}, params), oracle::ftm2d<double>(chroma, excerpt, params),
               oracle::ftm2d<float>(chroma, excerpt, params),
               fmt::format("{}: {} frames, patch {}, hop {}", what, excerpt.frames, params.patch,
                           params.hop));
}

TEST(Ftm2d, EveryOption) {
  const std::vector<float> chroma = random_chroma(120, 2);
  for (const int patch : {1, 5, 16, 17, 33})
    for (const int hop : {1, 3, 40})
      for (const bool median : {false, true})
        for (const bool keep_norm : {false, true})
          for (const float power : {1.0f, 2.0f, 0.5f})
            expect_definition(view(chroma), {3, 100, 0},
                              {patch, hop, power, keep_norm, median, hop == 3}, "options");
}

// Transforms patch by patch, of every radix and of several.
TEST(Ftm2d, PatchLengths) {
  const std::vector<float> chroma = random_chroma(260, 8);
  for (const int patch : {1, 2, 3, 4, 7, 8, 12, 32, 49, 60, 75, 97, 120, 128})
    expect_definition(view(chroma), {1, 250, 0}, {patch, 50, 1, false, patch % 2 == 0, false},
                      "length");
}

// Each band by itself, wherever the rows lie.
TEST(Ftm2d, Bands) {
  with_every_instruction_set([&](const std::string& name) {
    for (const int bands : {1, 2, 3})
      for (const ChromaLayout& layout : chroma_layouts(random_chroma(100, 9, bands), bands))
        for (Ftm2dParams params : {kOriginal, kSeed}) {
          params.bands = bands;
          expect_definition(layout.view(), {3, 90, 0}, params, name + ", " + layout.name());
        }
  });
}

TEST(Ftm2d, BandsAreScaledTogether) {
  const std::vector<float> chroma = random_chroma(90, 10, 2);
  const ChromaView both{chroma.data(), ChromaType::float32, 90, 2, 24};
  Ftm2dParams params = kOriginal, unscaled = kOriginal;
  params.bands = 2;
  unscaled.unit_norm = false;
  const std::vector<float> first = ftm2d(both.band(0), {{0, 90, 0}}, unscaled);
  std::vector<float> joined = first, out = ftm2d(both, {{0, 90, 0}}, params);
  const std::vector<float> second = ftm2d(both.band(1), {{0, 90, 0}}, unscaled);
  joined.insert(joined.end(), second.begin(), second.end());
  double square = 0;
  for (const float value : joined) square += double{value} * double{value};
  for (std::size_t i = 0; i < joined.size(); ++i)
    ASSERT_NEAR(out[i], joined[i] / std::sqrt(square), 1e-6) << i;
}

TEST(Ftm2d, ReadsBytes) {
  std::vector<std::uint8_t> bytes;
  for (const float value : random_chroma(100, 4))
    bytes.push_back(static_cast<std::uint8_t>(value * 255));
  expect_definition({bytes.data(), ChromaType::uint8, 100}, {5, 90, 0}, kOriginal, "bytes");
}

// One C at the first frame of a patch of 2: every magnitude is 1. One C in each frame: the time
// frequency 0 has magnitude 2, the other 0, at every pitch frequency.
TEST(Ftm2d, HandWorked) {
  const Ftm2dParams params{2, 2, 1, false, false, false};
  std::vector<float> chroma(2 * kPitchClasses);
  chroma[0] = 1;
  for (const float value : ftm2d(view(chroma), {{0, 2, 0}}, params)) EXPECT_NEAR(value, 1, 1e-6);
  chroma[kPitchClasses] = 1;
  const std::vector<float> out = ftm2d(view(chroma), {{0, 2, 0}}, params);
  for (int i = 0; i < params.dims(); ++i) EXPECT_NEAR(out[i], i < kPitchClasses ? 2 : 0, 1e-6) << i;
}

TEST(Ftm2d, DoesNotDependOnTheKey) {
  const std::vector<float> chroma = random_chroma(200, 5);
  std::vector<float> rolled(chroma.size());
  for (std::size_t i = 0; i < chroma.size(); ++i) rolled[i / 12 * 12 + (i + 5) % 12] = chroma[i];
  for (const Ftm2dParams& params : {kOriginal, kSeed}) {
    const std::vector<float> out = ftm2d(view(chroma), {{0, 200, 0}, {0, 200, 7}}, params);
    const std::vector<float> one(out.begin(), out.begin() + params.dims());
    EXPECT_EQ(one, std::vector<float>(out.begin() + params.dims(), out.end()));
    const std::vector<double> truth = oracle::ftm2d<double>(view(chroma), {0, 200, 0}, params);
    expect_close(ftm2d(view(rolled), {{0, 200, 0}}, params), truth, one, "rolled by 5");
  }
}

// A song of one chord has energy at time frequency 0 only.
TEST(Ftm2d, ConstantChromaAndSilence) {
  std::vector<float> chord(300 * kPitchClasses);
  for (std::size_t i = 0; i < chord.size(); i += kPitchClasses)
    chord[i] = chord[i + 4] = chord[i + 7] = 1;
  const std::vector<float> silence(300 * kPitchClasses);
  for (const Ftm2dParams& params : {kOriginal, kSeed}) {
    expect_definition(view(chord), {0, 300, 0}, params, "chord");
    const std::vector<float> out = ftm2d(view(chord), {{0, 300, 0}}, params);
    for (int i = kPitchClasses; i < params.dims(); ++i) ASSERT_NEAR(out[i], 0, 1e-5 * out[0]) << i;
    for (const float value : ftm2d(view(silence), {{0, 300, 0}}, params)) ASSERT_EQ(value, 0);
  }
}

// Songs share vectors: neither the threads nor a song's neighbours may be seen in its fingerprint.
TEST(Ftm2d, ThreadsAndNeighboursDoNotMatter) {
  const std::vector<float> chroma = random_chroma(4000, 6);
  std::vector<Excerpt> excerpts;
  for (int song = 0; song < 20; ++song)
    for (int roll = 0; roll < 1 + song % 3; ++roll)
      excerpts.push_back({song * 100, 40 + 53 * song, roll});
  for (const Ftm2dParams& params : {kOriginal, kSeed}) {
    const std::vector<float> one = ftm2d(view(chroma), excerpts, params, 1);
    EXPECT_EQ(one, ftm2d(view(chroma), excerpts, params, 3));
    std::vector<float> alone;
    for (const Excerpt& excerpt : excerpts) {
      const std::vector<float> out = ftm2d(view(chroma), {excerpt}, params);
      alone.insert(alone.end(), out.begin(), out.end());
    }
    EXPECT_EQ(one, alone);
  }
}

}  // namespace
}  // namespace reprise
