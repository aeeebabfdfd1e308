#include <gtest/gtest.h>

#include <vector>

#include "chroma_layouts.h"
#include "random_chroma.h"
#include "reprise/backend.h"

namespace reprise {
namespace {

// Frame t, pitch class c holds t + c / 16: every value tells where it came from.
std::vector<float> numbered(int frames) {
  std::vector<float> chroma(std::size_t(frames) * 12);
  for (int t = 0; t < frames; ++t)
    for (int c = 0; c < 12; ++c) chroma[t * 12 + c] = float(t) + float(c) / 16;
  return chroma;
}

std::vector<float> patchwork(int frames, PatchworkParams params, int roll) {
  const std::vector<float> chroma = numbered(frames);
  const Excerpt e{0, frames, roll};
  std::vector<float> out(std::size_t(params.patches) * params.frames * 12);
  make_cpu_backend(1)->run(
      ops::Patchwork{.songs = {{chroma.data(), ChromaType::float32, frames}, &e, 1},
                     .params = params,
                     .out = out.data()});
  return out;
}

struct Starts {
  int frames;
  std::vector<int> starts;  // in the repeated song
};

// round-half-even(i (T - 64) / 7), i = 0 .. 7, by hand; T <= 65 is repeated 65 / T + 1 times.
const Starts kStarts[] = {
    {1, {0, 0, 1, 1, 1, 1, 2, 2}},         // repeated to 66 frames
    {63, {0, 9, 18, 27, 35, 44, 53, 62}},  // to 126
    {64, {0, 9, 18, 27, 37, 46, 55, 64}},  // to 128
    {65, {0, 9, 19, 28, 38, 47, 57, 66}},  // to 130
    {66, {0, 0, 1, 1, 1, 1, 2, 2}},        // as it is
    {511, {0, 64, 128, 192, 255, 319, 383, 447}},
    {512, {0, 64, 128, 192, 256, 320, 384, 448}},
    {513, {0, 64, 128, 192, 257, 321, 385, 449}},
    {7064, {0, 1000, 2000, 3000, 4000, 5000, 6000, 7000}},
};

TEST(Patchwork, StartsByHand) {
  for (const Starts& known : kStarts) {
    const std::vector<float> out = patchwork(known.frames, {8, 64}, 0);
    for (int patch = 0; patch < 8; ++patch)
      for (int t = 0; t < 64; ++t)
        for (int c = 0; c < 12; ++c)
          ASSERT_EQ(out[((patch * 64) + t) * 12 + c],
                    float((known.starts[patch] + t) % known.frames) + float(c) / 16)
              << "T = " << known.frames << ", patch " << patch << ", frame " << t;
  }
}

TEST(Patchwork, HalvesGoToEven) {
  // (T - 4) / 2 = 2.5 and 3.5.
  EXPECT_EQ(patchwork(9, {3, 4}, 0)[4 * 12], 2.0f);
  EXPECT_EQ(patchwork(11, {3, 4}, 0)[4 * 12], 4.0f);
}

TEST(Patchwork, RollsUp) {
  const std::vector<float> out = patchwork(100, {8, 64}, 5);
  EXPECT_EQ(out[0 * 12 + 5], 0.0f);       // C became F
  EXPECT_EQ(out[0 * 12 + 0], 7.0f / 16);  // G became C
}

TEST(Patchwork, BandsStayTogether) {
  const PatchworkParams params{4, 16};
  for (const int bands : {2, 3})
    for (const ChromaLayout& layout : chroma_layouts(random_chroma(90, 5, bands), bands)) {
      const auto of = [&](ChromaView view) {
        const Excerpt e{5, 70, 4};
        std::vector<float> out(std::size_t(4 * 16) * std::size_t(view.width()));
        make_cpu_backend(1)->run(
            ops::Patchwork{.songs = {view, &e, 1}, .params = params, .out = out.data()});
        return out;
      };
      const std::vector<float> all = of(layout.view());
      for (int b = 0; b < bands; ++b) {
        const std::vector<float> one = of(layout.view().band(b));
        for (int i = 0; i < 4 * 16 * 12; ++i)
          ASSERT_EQ(all[(i / 12 * bands + b) * 12 + i % 12], one[i]) << layout.name() << " " << i;
      }
    }
}

}  // namespace
}  // namespace reprise
