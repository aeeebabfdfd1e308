// The bigram kernels on every case of the op table, against the double-precision definition.
#include "bigram_references.h"
#include "launch.h"
#include "test_kernels.h"
#include "tile_mma.cuh"

namespace reprise::emulation {
namespace {

/// A case's songs, on the host and on the device.
struct Songs : CaseSongs {
  using CaseSongs::CaseSongs;
  kernels::BigramBatch upload() const {
    return {view(to_device(chroma)), to_device(excerpts), count(), longest, to_device(weights)};
  }
};

std::vector<float> forward(const Songs& songs, const kernels::BigramBatch& batch, MathMode math,
                           void* reserve) {
  float* out = device_array<float>(songs.count() * songs.p.dims());
  void* scratch =
      device_bytes(kernels::bigram_forward_scratch_bytes(songs.p, songs.count(), songs.longest));
  kernels::bigram_forward(
      {.songs = batch, .weights = batch.weights, .params = songs.p, .out = out, .reserve = reserve},
      math, scratch, nullptr);
  return to_host(out, songs.count() * songs.p.dims());
}

std::vector<float> forward(const Songs& songs, MathMode math) {
  void* reserve = device_bytes(kernels::bigram_reserve_bytes(songs.p, songs.count()));
  return forward(songs, songs.upload(), math, reserve);
}

class BigramKernels : public EmulationTest, public ::testing::WithParamInterface<BigramCase> {};

TEST_P(BigramKernels, ForwardEqualsTheDefinition) {
  const Songs songs(GetParam());
  const auto result = same_in_every_order([&] { return forward(songs, MathMode::fp32); });
  expect_close(result, definition<double>(songs), definition<float>(songs), GetParam().name);
}

std::vector<float> backward(const Songs& songs, const kernels::BigramBatch& batch, MathMode math) {
  void* reserve = device_bytes(kernels::bigram_reserve_bytes(songs.p, songs.count()));
  forward(songs, batch, math, reserve);
  float* gradient = device_array<float>(songs.p.weights());
  void* scratch =
      device_bytes(kernels::bigram_backward_scratch_bytes(songs.p, songs.count(), songs.longest));
  kernels::bigram_backward({.songs = batch,
                            .weights = batch.weights,
                            .params = songs.p,
                            .out_gradient = to_device(songs.out_gradient),
                            .reserve = reserve,
                            .gradient = gradient},
                           math, scratch, nullptr);
  return to_host(gradient, songs.p.weights());
}

std::vector<float> backward(const Songs& songs, MathMode math) {
  return backward(songs, songs.upload(), math);
}

TEST_P(BigramKernels, BackwardEqualsTheChainRule) {
  const Songs songs(GetParam());
  const auto result = same_in_every_order([&] { return backward(songs, MathMode::fp32); });
  expect_close_gradients(songs.p, result, chain_rule<double>(songs), chain_rule<float>(songs),
                         GetParam().name);
}

// In tf32 and bfloat16 the yardstick is a plain loop over events that are rounded alike.

float to_tf32(float value) {
  return nvcuda::wmma::__float_to_tf32(value);
}
float to_bf16(float value) {
  return __float2bfloat16(value);
}

Loops rounded_loops(const Songs& songs, float (*round)(float)) {
  return by_lags(songs, round, Rounded::products);
}

TEST_P(BigramKernels, ForwardOnTensorCores) {
  const Songs songs(GetParam());
  const auto truth = definition<double>(songs);
  const auto tf32 = same_in_every_order([&] { return forward(songs, MathMode::tf32); });
  expect_close(tf32, truth, rounded_loops(songs, to_tf32).out, GetParam().name + ", tf32");
  const auto bf16 = same_in_every_order([&] { return forward(songs, MathMode::bf16); });
  expect_close(bf16, truth, rounded_loops(songs, to_bf16).out, GetParam().name + ", bf16");
}

TEST_P(BigramKernels, BackwardOnTensorCores) {
  const Songs songs(GetParam());
  const auto result = same_in_every_order([&] { return backward(songs, MathMode::tf32); });
  expect_close_gradients(songs.p, result, chain_rule<double>(songs),
                         rounded_loops(songs, to_tf32).gradient, GetParam().name);
}

TEST_P(BigramKernels, ASongsFingerprintDoesNotDependOnTheOthers) {
  const Songs songs(GetParam());
  const auto together = forward(songs, MathMode::fp32);
  for (std::int64_t i = 0; i < songs.count(); ++i) {
    Songs one = songs;
    one.excerpts = {songs.excerpts[i]};
    one.longest = songs.excerpts[i].frames;
    const auto alone = forward(one, MathMode::fp32);
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + i * songs.p.dims()));
  }
}

/// Songs of several parts, lags that need several groups, and filters as large as they may be.
std::vector<BigramCase> large_cases() {
  using enum Compression;
  return {
      {"three_parts",
       bigram_case_params(12, 4, 3, lag_range(-3, 3), true, Pooling::mean, signed_root, true),
       {2100, 1027, 1028}},
      {"far_lags",
       bigram_case_params(6, 2, 2, {-700, -3, 0, 3, 250, 300, 1024}, true, Pooling::mean, none,
                          false),
       {1100, 90}},
      {"largest_filters",
       bigram_case_params(64, 16, 1, {-130, 0, 5}, true, Pooling::mean, tanh, false),
       {180}},
  };
}

/// Several bands as far as the kernels go, with as many as there may be, and with filters of more
/// tiles than a block holds.
std::vector<BigramCase> fitting_banded_cases() {
  std::vector<BigramCase> cases = banded_cases();
  std::erase_if(cases, [](const BigramCase& c) { return c.name == "eight_bands"; });
  BigramParams p =
      bigram_case_params(12, 3, 2, {-3, 0, 40}, true, Pooling::mean, Compression::tanh, true);
  p.bands = kMaxBands;
  cases.push_back({"most_bands", p, {70, 2}});
  p = bigram_case_params(48, 11, 1, {-1, 0}, true, Pooling::mean, Compression::none, true);
  p.bands = 2;
  cases.push_back({"most_tiles", p, {75, 12, 3}});
  return cases;
}

TEST(BigramKernelLimits, SayWhatDoesNotFit) {
  const BigramParams p = banded_cases().back().params;
  EXPECT_EQ(error_of([&] { kernels::bigram_reserve_bytes(p, 1); }),
            "bigrams on a GPU: 64 filters of 16 frames and 8 bands need 491 kB of shared memory, "
            "there are 98 kB; use fewer or shorter filters, or the CPU");
  EXPECT_EQ(error_of([&] { kernels::bigram_backward_scratch_bytes(p, 1, 9); }),
            error_of([&] { kernels::bigram_forward_scratch_bytes(p, 1, 9); }));
}

TEST(BigramKernelLimits, EveryShapeFitsTheSharedMemory) {
  for (int events : {1, 12, 16, 17, 33, 48, 49, 64}) {
    for (int length : {1, 4, 16}) {
      const BigramParams p = bigram_case_params(events, length, 64, default_lags(), true,
                                                Pooling::mean, Compression::tanh, true);
      EXPECT_GT(kernels::bigram_backward_scratch_bytes(p, 1, 100), 0u);
    }
  }
}

TEST_F(EmulationTest, BigramsAreTheSameInEveryLayout) {
  for (const BigramCase& c : {bigram_cases()[3], banded_cases()[0]}) {
    const Songs songs(c);
    expect_same_in_every_layout(songs.chroma, songs.p.bands, [&](const ChromaView& view) {
      kernels::BigramBatch batch = songs.upload();
      batch.chroma = view;
      std::vector<float> all = backward(songs, batch, MathMode::fp32);
      void* reserve = device_bytes(kernels::bigram_reserve_bytes(songs.p, songs.count()));
      const auto out = forward(songs, batch, MathMode::fp32, reserve);
      all.insert(all.end(), out.begin(), out.end());
      return all;
    });
  }
}

class GivenEventsKernels : public EmulationTest,
                           public ::testing::WithParamInterface<BigramCase> {};

TEST_P(GivenEventsKernels, EqualTheDefinition) {
  const BigramCase& c = GetParam();
  const BigramParams& p = c.params;
  const std::vector<Excerpt> excerpts = case_excerpts(c);
  const std::vector<float> events = case_events(c), windows = random_values(p.weights(), 0.1f, 2);
  const auto count = static_cast<std::int64_t>(excerpts.size()), dims = std::int64_t{p.dims()};
  const std::vector<float> out_gradient = random_values(count * dims, 1.0f, 3);
  std::int64_t longest = 0;
  for (const Excerpt& e : excerpts) longest = std::max<std::int64_t>(longest, e.frames);
  // out, the windows' gradient, the events' gradient
  const auto result = same_in_every_order([&] {
    const ChromaView view{to_device(events), ChromaType::float32,
                          static_cast<std::int64_t>(events.size()) / p.events};
    const kernels::BigramBatch batch{view, to_device(excerpts), count, longest, to_device(windows)};
    void* reserve = device_bytes(kernels::bigram_reserve_bytes(p, count));
    float* out = device_array<float>(count * dims);
    float* gradient = device_array<float>(p.weights());
    float* events_gradient = device_array<float>(events.size());
    kernels::bigram_forward(
        {.songs = batch, .weights = batch.weights, .params = p, .out = out, .reserve = reserve},
        MathMode::fp32, device_bytes(kernels::bigram_forward_scratch_bytes(p, count, longest)),
        nullptr);
    kernels::bigram_backward(
        {.songs = batch,
         .weights = batch.weights,
         .params = p,
         .out_gradient = to_device(out_gradient),
         .reserve = reserve,
         .gradient = gradient,
         .events_gradient = events_gradient},
        MathMode::fp32, device_bytes(kernels::bigram_backward_scratch_bytes(p, count, longest)),
        nullptr);
    std::vector<float> all = to_host(out, count * dims);
    for (const auto& [values, size] :
         {std::pair{gradient, std::size_t(p.weights())}, {events_gradient, events.size()}}) {
      const std::vector<float> some = to_host(values, size);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  });
  const auto definition = [&]<typename Real>(Real) {
    std::vector<Real> out, gradient(p.weights(), 0), of_events;
    for (std::int64_t i = 0; i < count; ++i) {
      const Excerpt& e = excerpts[i];
      const std::vector<Real> song(events.begin() + e.first * p.events,
                                   events.begin() + (e.first + e.frames) * p.events);
      const std::vector<float> dout(out_gradient.begin() + i * dims,
                                    out_gradient.begin() + (i + 1) * dims);
      const auto b = oracle::bigram_forward(song, windows, p);
      out.insert(out.end(), b.out.begin(), b.out.end());
      std::vector<Real> some;
      oracle::bigram_backward(song, windows, p, dout, gradient, &some);
      of_events.insert(of_events.end(), some.begin(), some.end());
    }
    out.insert(out.end(), gradient.begin(), gradient.end());
    out.insert(out.end(), of_events.begin(), of_events.end());
    return out;
  };
  const auto truth = definition(double{});
  const auto plain = definition(float{});
  const std::size_t ends[] = {0, std::size_t(count * dims), std::size_t(count * dims + p.weights()),
                              truth.size()};
  for (int part = 0; part < 3; ++part) {
    const std::size_t first = ends[part], size = ends[part + 1] - first;
    expect_close(std::span(result).subspan(first, size), std::span(truth).subspan(first, size),
                 std::span(plain).subspan(first, size), c.name + " part " + std::to_string(part));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GivenEventsKernels, ::testing::ValuesIn(given_events_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Bands, BigramKernels, ::testing::ValuesIn(fitting_banded_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Large, BigramKernels, ::testing::ValuesIn(large_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cases, BigramKernels, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace reprise::emulation
