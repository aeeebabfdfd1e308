// The bigram kernels in tf32 and bfloat16, and what only kernels promise; in single precision they
// are tested from the table of ops/bigrams.h.
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

std::vector<BigramCase> fitting_banded_cases() {
  std::vector<BigramCase> cases = banded_cases();
  std::erase_if(cases, [](const BigramCase& c) { return c.name == "eight_bands"; });
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

INSTANTIATE_TEST_SUITE_P(Bands, BigramKernels, ::testing::ValuesIn(fitting_banded_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Large, BigramKernels, ::testing::ValuesIn(large_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cases, BigramKernels, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace reprise::emulation
