// The patchwork's kernel against plain loops.
#include "../op_cases.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class PatchworkKernel : public EmulationTest {};

/// Row `t` of an excerpt of [frames, 12 * bands], each band rolled.
float value_at(const std::vector<float>& chroma, int bands, const Excerpt& e, std::int64_t t,
               int band, int column) {
  return chroma[((e.first + t) * bands + band) * 12 + (column - e.roll + 12) % 12];
}

void expect_patches(int bands) {
  SCOPED_TRACE(std::to_string(bands) + " bands");
  const std::vector<int> lengths{1, 7, 8, 9, 10, 30, 31, 100};
  const PatchworkParams p{5, 8};
  std::vector<Excerpt> excerpts;
  std::int64_t frames = 0;
  for (const int length : lengths) {
    excerpts.push_back({frames, length, static_cast<std::int32_t>(excerpts.size() * 5 % 12)});
    frames += length;
  }
  const std::vector<float> chroma = random_chroma(frames, 1, bands);
  std::vector<float> truth;
  for (const Excerpt& e : excerpts) {
    const int repeats = e.frames <= p.frames + 1 ? (p.frames + 1) / e.frames + 1 : 1;
    for (int patch = 0; patch < p.patches; ++patch) {
      const double at = double(patch) * (double(e.frames) * repeats - p.frames) / (p.patches - 1);
      const auto start = static_cast<std::int64_t>(std::nearbyint(at));
      for (int t = 0; t < p.frames; ++t)
        for (int band = 0; band < bands; ++band)
          for (int c = 0; c < kPitchClasses; ++c)
            truth.push_back(value_at(chroma, bands, e, (start + t) % e.frames, band, c));
    }
  }
  const auto run = [&](const ChromaView& view, const PatchworkParams& params) {
    const std::size_t values = excerpts.size() * params.patches * params.frames * view.width();
    float* out = device_array<float>(values);
    kernels::patchwork(
        {.songs = {view, to_device(excerpts), static_cast<std::int64_t>(excerpts.size())},
         .params = params,
         .out = out},
        nullptr);
    return to_host(out, values);
  };
  const ChromaLayout layout(chroma, bands, ChromaType::float32, 5);
  EXPECT_EQ(same_in_every_order([&] { return run(to_device(layout), p); }), truth);
  // One patch starts at the song's first frame.
  EXPECT_EQ(run(to_device(layout), {1, 1})[0], value_at(chroma, bands, excerpts[0], 0, 0, 0));
  expect_same_in_every_layout(chroma, bands, [&](const ChromaView& view) { return run(view, p); });
}

TEST_F(PatchworkKernel, EqualsTheDefinition) {
  for (const int bands : {1, 2, 3}) expect_patches(bands);
}

}  // namespace
}  // namespace reprise::emulation
