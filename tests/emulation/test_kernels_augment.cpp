// Random variation of training excerpts against plain loops.
#include <reprise/random.h>

#include "../op_cases.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class AugmentKernel : public EmulationTest {};

struct Varied {
  std::vector<float> chroma;  // [takes, crop, 12], -1 where nothing is written
  std::vector<Excerpt> where;
};

/// The loop that draws one number after another. chroma [frames, 12 * bands].
template <typename Real>
std::vector<Real> vary(const std::vector<float>& chroma, int bands, const TrainingExcerpt& take,
                       const AugmentParams& p) {
  Random random(take.seed);
  const auto between = [&](double low, double high) {
    return low + (high - low) * double{random.uniform()};
  };
  const double stretch = std::exp(between(std::log(p.stretch_low), std::log(p.stretch_high)));
  const double drop = between(0, p.drop), deviation = between(0, p.noise);
  const bool powered = random.uniform() < p.power_share;
  const double power = powered ? between(p.power_low, p.power_high) : 1;
  std::vector<int> kept;
  for (int t = 0; t < take.excerpt.frames; ++t)
    if (drop == 0 || random.uniform() >= drop) kept.push_back(t);
  if (kept.empty()) kept.push_back(0);
  const auto stretched = std::max(1LL, std::llround(double(kept.size()) * stretch));
  const auto frames = std::min<long long>(stretched, p.crop);
  const auto start = stretched > frames ? random.below(std::uint32_t(stretched - frames + 1)) : 0;
  std::vector<Real> out;
  for (long long t = 0; t < frames; ++t) {
    const Real at = std::min(Real(start + t) / Real(stretch), Real(kept.size() - 1));
    const auto before = static_cast<std::size_t>(at);
    const Real share = at - Real(before);
    std::vector<Real> row(12 * bands);
    for (int c = 0; c < 12 * bands; ++c) {
      const auto value_of = [&](std::size_t i) {
        return Real(chroma[(take.excerpt.first + kept[i]) * 12 * bands + c]);
      };
      const Real v0 = value_of(before), v1 = value_of(std::min(before + 1, kept.size() - 1));
      Real value = v0 + share * (v1 - v0);
      if (powered) value = std::pow(value, Real(power));
      if (deviation > 0) value = std::max(Real(0), value + Real(deviation) * Real(random.normal()));
      row[c / 12 * 12 + (c + take.excerpt.roll) % 12] = value;
    }
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

/// Chroma, then the frames of each result.
std::vector<float> run_augment(const ChromaView& chroma, const std::vector<TrainingExcerpt>& takes,
                               const AugmentParams& p) {
  const auto count = static_cast<std::int64_t>(takes.size());
  const std::size_t values = std::size_t(count) * p.crop * chroma.width();
  float* out = to_device(std::vector<float>(values, -1.0f));
  Excerpt* where = device_array<Excerpt>(takes.size());
  kernels::augment({.chroma = chroma,
                    .excerpts = to_device(takes),
                    .count = count,
                    .params = p,
                    .out = out,
                    .out_excerpts = where},
                   device_bytes(kernels::augment_scratch_bytes(p, count)), nullptr);
  std::vector<float> result = to_host(out, values);
  std::int64_t first = 0;
  for (const Excerpt& e : to_host(where, takes.size())) {
    EXPECT_EQ(e.first, first);
    EXPECT_EQ(e.roll, 0);
    result.push_back(static_cast<float>(e.frames));
    first += p.crop;
  }
  return result;
}

void expect_as_drawn(const std::vector<int>& lengths, const AugmentParams& p, int bands = 1) {
  SCOPED_TRACE(std::to_string(bands) + " bands");
  std::vector<TrainingExcerpt> takes;
  std::int64_t frames = 0;
  for (const int length : lengths) {
    const auto number = static_cast<std::int32_t>(takes.size());
    takes.push_back({{frames, length, number * 5 % 12}, Random::derive(9, std::uint64_t(number))});
    frames += length;
  }
  const std::vector<float> chroma = random_chroma(frames, 1, bands);
  const ChromaLayout layout(chroma, bands, ChromaType::float32, 5);
  const auto result = same_in_every_order([&] { return run_augment(to_device(layout), takes, p); });
  const std::size_t width = std::size_t(bands) * 12, size = p.crop * width;
  for (std::size_t i = 0; i < takes.size(); ++i) {
    SCOPED_TRACE(i);
    const auto truth = vary<double>(chroma, bands, takes[i], p);
    const auto plain = vary<float>(chroma, bands, takes[i], p);
    ASSERT_EQ(result[takes.size() * size + i], static_cast<float>(truth.size() / width));
    expect_close(std::span(result).subspan(i * size, truth.size()), truth, plain, "values");
    for (std::size_t at = truth.size(); at < size; ++at) ASSERT_EQ(result[i * size + at], -1.0f);
  }
  expect_same_in_every_layout(chroma, bands,
                              [&](const ChromaView& view) { return run_augment(view, takes, p); });
}

TEST_F(AugmentKernel, AugmentDrawsWhatALoopWould) {
  AugmentParams p;
  p.crop = 40;
  p.stretch_low = 0.75f;
  p.stretch_high = 1.35f;
  p.drop = 0.3f;
  p.noise = 0.05f;
  p.power_low = 0.6f;
  p.power_high = 1.6f;
  p.power_share = 0.5f;
  for (const int bands : {1, 2, 3}) expect_as_drawn({300, 1, 2, 40, 55, 31}, p, bands);
}

TEST_F(AugmentKernel, AugmentWithNothingAskedForIsACopy) {
  AugmentParams p;
  p.crop = 30;
  expect_as_drawn({30, 10, 80}, p);
  EXPECT_EQ(kernels::augment_scratch_bytes(p, 3), 0u);
}

TEST_F(AugmentKernel, AugmentLeavesAtLeastAFrame) {
  AugmentParams p;
  p.crop = 10;
  p.drop = 1;
  p.stretch_low = p.stretch_high = 0.2f;
  expect_as_drawn({1, 1, 1, 1, 2, 3, 5, 700}, p);
}

}  // namespace
}  // namespace reprise::emulation
