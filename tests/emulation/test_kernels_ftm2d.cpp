// The kernels of 2DFTM against its definition.
#include "../oracle_published.h"
#include "../random_chroma.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

struct Songs {
  std::vector<float> chroma;
  std::vector<Excerpt> excerpts;
  int bands = 1;
  ChromaView view(const void* data) const {
    const int width = bands * kPitchClasses;
    return {data, ChromaType::float32, std::ssize(chroma) / width, bands, width};
  }
};

/// Lengths around every size that the kernels cut at; some songs in several keys. One pitch class
/// never changes: at 3/4, whose sums are exact, a plain loop in single precision sees that too.
Songs songs() {
  Songs s;
  std::int64_t first = 0;
  for (const int frames : {1, 2, 3, 64, 65, 66, 75, 76, 150, 190}) {
    for (const int roll : {0, 1, 11}) {
      if (roll == 0 || frames % 2 == 1) s.excerpts.push_back({first, frames, roll});
    }
    first += frames;
  }
  s.chroma = random_chroma(first, 1);
  for (std::int64_t t = 0; t < first; ++t) s.chroma[t * kPitchClasses + 3] = 0.75f;
  return s;
}

template <typename Definition>
void expect_definition(const Songs& s, const std::vector<float>& out, Definition definition,
                       const std::string& what) {
  const std::size_t dims = out.size() / s.excerpts.size();
  for (std::size_t e = 0; e < s.excerpts.size(); ++e) {
    const ChromaView view = s.view(s.chroma.data());
    expect_close(std::span(out).subspan(e * dims, dims), definition(view, s.excerpts[e], double{}),
                 definition(view, s.excerpts[e], float{}), what + ", excerpt " + std::to_string(e));
  }
}

std::vector<float> ftm2d(const Songs& s, const Ftm2dParams& p, const ChromaView& chroma) {
  kernels::Ftm2dSongs songs;
  std::vector<std::int64_t> excerpt_of, start{0};
  for (std::size_t e = 0; e < s.excerpts.size(); ++e) {
    if (e > 0 && s.excerpts[e].first == s.excerpts[e - 1].first) continue;
    excerpt_of.push_back(static_cast<std::int64_t>(e));
    start.push_back(start.back() + std::max(s.excerpts[e].frames, p.patch));
    songs.longest = std::max(songs.longest, start.back() - start[start.size() - 2]);
  }
  songs.count = static_cast<std::int64_t>(excerpt_of.size());
  songs.frames = start.back();
  excerpt_of.push_back(static_cast<std::int64_t>(s.excerpts.size()));
  songs.excerpts = to_device(s.excerpts);
  songs.excerpt_of = to_device(excerpt_of);
  songs.start = to_device(start);
  float* out = device_array<float>(s.excerpts.size() * p.dims());
  kernels::ftm2d(chroma, songs, p,
                 device_bytes(kernels::ftm2d_scratch_bytes(songs.count, songs.frames, p)), out,
                 nullptr);
  return to_host(out, s.excerpts.size() * p.dims());
}

std::vector<float> ftm2d(const Songs& s, const Ftm2dParams& p) {
  return ftm2d(s, p, s.view(to_device(s.chroma)));
}

void expect_ftm2d(const Songs& s, const Ftm2dParams& p, const std::string& what) {
  expect_definition(
      s, ftm2d(s, p),
      [&](ChromaView view, const Excerpt& e, auto real) {
        return oracle::ftm2d<decltype(real)>(view, e, p);
      },
      what);
}

TEST_F(EmulationTest, Ftm2dOfSeveralBands) {
  Songs s = songs();
  s.excerpts.resize(8);
  const std::int64_t frames = s.excerpts.back().first + s.excerpts.back().frames;
  for (const int bands : {2, 3, kMaxBands}) {
    s.bands = bands;
    s.chroma = random_chroma(frames, 1, bands);
    for (Ftm2dParams p : {Ftm2dParams{5, 3, 0.5f, true, true, true},
                          Ftm2dParams{33, 40, 1.96f, false, false, false}}) {
      p.bands = bands;
      expect_ftm2d(s, p, "2DFTM, bands " + std::to_string(bands));
      expect_same_in_every_layout(s.chroma, bands,
                                  [&](const ChromaView& view) { return ftm2d(s, p, view); });
    }
  }
}

// Songs that a sum slides along more than once, and past what shared memory holds; patches of more
// frequencies than a block has threads.
TEST_F(EmulationTest, Ftm2dOfLongSongsAndPatches) {
  Songs s;
  s.excerpts = {{0, 4500, 0}, {4500, 1100, 0}};
  s.chroma = random_chroma(5600, 1);
  expect_ftm2d(s, {5, 1, 1.96f, true, true, true}, "2DFTM, long songs");
  s.excerpts = {{0, 300, 0}};
  expect_ftm2d(s, {150, 7, 1.96f, true, true, true}, "2DFTM, patch 150");
}

// Squares that are the same, many times or but for a few: silence, a chord that stays, a chord that
// comes once, and two that alternate.
TEST_F(EmulationTest, Ftm2dOfMagnitudesThatAreEqual) {
  Songs s;
  const int frames = 90;
  s.excerpts = {{0, frames, 0}, {90, frames, 0}, {180, frames, 0}, {270, frames - 1, 0}};
  s.chroma.assign(4 * frames * kPitchClasses, 0.0f);
  for (int t = 0; t < frames; ++t) {
    for (const int c : {0, 4, 7}) {
      s.chroma[(90 + t) * kPitchClasses + c] = 1;
      s.chroma[(270 + t) * kPitchClasses + c] = t % 2 == 0 ? 0.5f : 0.25f;
    }
  }
  s.chroma[(180 + 44) * kPitchClasses + 2] = 1;
  for (const bool unit : {false, true}) {
    expect_ftm2d(s, {8, 1, 1, false, true, unit}, "2DFTM, equal magnitudes");
    const auto out = ftm2d(s, {8, 1, 1, false, true, unit});
    for (int i = 0; i < 96; ++i) ASSERT_EQ(out[i], 0) << "silence";
    for (int i = 0; i < 96; ++i) ASSERT_EQ(out[2 * 96 + i], 0) << "8 patches of 83 hold the chord";
  }
}

}  // namespace
}  // namespace reprise::emulation
