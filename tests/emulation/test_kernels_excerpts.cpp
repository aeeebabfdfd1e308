// Training's excerpts: patchwork and random variation, against plain loops.
#include <reprise/random.h>

#include "../op_cases.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class ExcerptKernels : public EmulationTest {};

/// Row `t` of an excerpt, rolled.
template <typename Real>
Real value_at(const std::vector<float>& chroma, const Excerpt& e, std::int64_t t, int column) {
  return Real(chroma[(e.first + t) * kPitchClasses + (column - e.roll + 12) % 12]);
}

TEST_F(ExcerptKernels, PatchworkEqualsTheDefinition) {
  const std::vector<int> lengths{1, 7, 8, 9, 10, 30, 31, 100};
  const PatchworkParams p{5, 8};
  std::vector<Excerpt> excerpts;
  std::int64_t frames = 0;
  for (const int length : lengths) {
    excerpts.push_back({frames, length, static_cast<std::int32_t>(excerpts.size() * 5 % 12)});
    frames += length;
  }
  const std::vector<float> chroma = random_chroma(frames, 1);
  std::vector<float> truth;
  for (const Excerpt& e : excerpts) {
    const int repeats = e.frames <= p.frames + 1 ? (p.frames + 1) / e.frames + 1 : 1;
    for (int patch = 0; patch < p.patches; ++patch) {
      const double at = double(patch) * (double(e.frames) * repeats - p.frames) / (p.patches - 1);
      const auto start = static_cast<std::int64_t>(std::nearbyint(at));
      for (int t = 0; t < p.frames; ++t)
        for (int c = 0; c < kPitchClasses; ++c)
          truth.push_back(value_at<float>(chroma, e, (start + t) % e.frames, c));
    }
  }
  const auto run = [&](const PatchworkParams& params) {
    float* out = device_array<float>(excerpts.size() * params.patches * params.frames * 12);
    kernels::patchwork({to_device(chroma), ChromaType::float32, frames}, to_device(excerpts),
                       static_cast<std::int64_t>(excerpts.size()), params, out, nullptr);
    return to_host(out, excerpts.size() * params.patches * params.frames * 12);
  };
  EXPECT_EQ(same_in_every_order([&] { return run(p); }), truth);
  // One patch starts at the song's first frame.
  EXPECT_EQ(run({1, 1})[0], value_at<float>(chroma, excerpts[0], 0, 0));
}

struct Varied {
  std::vector<float> chroma;  // [takes, crop, 12], -1 where nothing is written
  std::vector<Excerpt> where;
};

/// The loop that draws one number after another.
template <typename Real>
std::vector<Real> vary(const std::vector<float>& chroma, const Take& take, const AugmentParams& p) {
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
    std::vector<Real> row(kPitchClasses);
    for (int c = 0; c < kPitchClasses; ++c) {
      const auto value_of = [&](std::size_t i) {
        return Real(chroma[(take.excerpt.first + kept[i]) * 12 + c]);
      };
      const Real v0 = value_of(before), v1 = value_of(std::min(before + 1, kept.size() - 1));
      Real value = v0 + share * (v1 - v0);
      if (powered) value = std::pow(value, Real(power));
      if (deviation > 0) value = std::max(Real(0), value + Real(deviation) * Real(random.normal()));
      row[(c + take.excerpt.roll) % kPitchClasses] = value;
    }
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

/// Chroma, then the frames of each result.
std::vector<float> run_augment(const std::vector<float>& chroma, const std::vector<Take>& takes,
                               const AugmentParams& p) {
  const auto count = static_cast<std::int64_t>(takes.size());
  float* out = to_device(std::vector<float>(std::size_t(count) * p.crop * 12, -1.0f));
  Excerpt* where = device_array<Excerpt>(takes.size());
  kernels::augment({to_device(chroma), ChromaType::float32, std::int64_t(chroma.size()) / 12},
                   to_device(takes), count, p,
                   device_bytes(kernels::augment_scratch_bytes(p, count)), out, where, nullptr);
  std::vector<float> result = to_host(out, std::size_t(count) * p.crop * 12);
  std::int64_t first = 0;
  for (const Excerpt& e : to_host(where, takes.size())) {
    EXPECT_EQ(e.first, first);
    EXPECT_EQ(e.roll, 0);
    result.push_back(static_cast<float>(e.frames));
    first += p.crop;
  }
  return result;
}

void expect_as_drawn(const std::vector<int>& lengths, const AugmentParams& p) {
  std::vector<Take> takes;
  std::int64_t frames = 0;
  for (const int length : lengths) {
    const auto number = static_cast<std::int32_t>(takes.size());
    takes.push_back({{frames, length, number * 5 % 12}, Random::derive(9, std::uint64_t(number))});
    frames += length;
  }
  const std::vector<float> chroma = random_chroma(frames, 1);
  const auto result = same_in_every_order([&] { return run_augment(chroma, takes, p); });
  const std::size_t size = std::size_t(p.crop) * 12;
  for (std::size_t i = 0; i < takes.size(); ++i) {
    SCOPED_TRACE(i);
    const auto truth = vary<double>(chroma, takes[i], p);
    const auto plain = vary<float>(chroma, takes[i], p);
    ASSERT_EQ(result[takes.size() * size + i] * 12, static_cast<float>(truth.size()));
    expect_close(std::span(result).subspan(i * size, truth.size()), truth, plain, "values");
    for (std::size_t at = truth.size(); at < size; ++at) ASSERT_EQ(result[i * size + at], -1.0f);
  }
}

TEST_F(ExcerptKernels, AugmentDrawsWhatALoopWould) {
  AugmentParams p;
  p.crop = 40;
  p.stretch_low = 0.75f;
  p.stretch_high = 1.35f;
  p.drop = 0.3f;
  p.noise = 0.05f;
  p.power_low = 0.6f;
  p.power_high = 1.6f;
  p.power_share = 0.5f;
  expect_as_drawn({300, 1, 2, 40, 55, 31}, p);
}

TEST_F(ExcerptKernels, AugmentWithNothingAskedForIsACopy) {
  AugmentParams p;
  p.crop = 30;
  expect_as_drawn({30, 10, 80}, p);
  EXPECT_EQ(kernels::augment_scratch_bytes(p, 3), 0u);
}

TEST_F(ExcerptKernels, AugmentLeavesAtLeastAFrame) {
  AugmentParams p;
  p.crop = 10;
  p.drop = 1;
  p.stretch_low = p.stretch_high = 0.2f;
  expect_as_drawn({1, 1, 1, 1, 2, 3, 5, 700}, p);
}

}  // namespace
}  // namespace reprise::emulation
