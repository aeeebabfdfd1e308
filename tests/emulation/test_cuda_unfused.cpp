// The unfused path on the emulated device, with the stand-ins of cuDNN and cuBLAS, by the rule that
// the fused kernels are held to.
#include "backend/cuda/unfused.h"

#include <algorithm>

#include "bigram_references.h"
#include "mma.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

Loops bigrams(Backend& backend, const CaseSongs& songs) {
  const BigramParams& p = songs.p;
  const Buffer<float> chroma(backend, songs.chroma), weights(backend, songs.weights),
      out_gradient(backend, songs.out_gradient);
  const Buffer<Excerpt> excerpts(backend, songs.excerpts);
  Buffer<float> out(backend, songs.count() * p.dims()), gradient(backend, p.weights());
  Buffer<std::uint8_t> reserve(
      backend, std::int64_t(backend.bigram_reserve(p, songs.count(), songs.longest)));
  const SongBatch batch{songs.view(chroma.data()), excerpts.data(), songs.count(), songs.longest};
  backend.run(ops::BigramForward{.songs = batch,
                                 .weights = weights.data(),
                                 .params = p,
                                 .out = out.data(),
                                 .reserve = reserve.data()});
  backend.run(ops::BigramBackward{.songs = batch,
                                  .weights = weights.data(),
                                  .params = p,
                                  .out_gradient = out_gradient.data(),
                                  .reserve = reserve.data(),
                                  .gradient = gradient.data()});
  return {out.download(), gradient.download()};
}

// Each is within what is allowed of the truth, so that they are within twice of that.
void expect_alike(std::span<const float> a, std::span<const float> b, double allowed) {
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_LE(std::abs(double{a[i]} - double{b[i]}), 2 * allowed) << i;
}

class UnfusedBigrams : public EmulationTest, public ::testing::WithParamInterface<BigramCase> {};

TEST_P(UnfusedBigrams, EqualTheDefinitionAndTheFusedKernels) {
  const CaseSongs songs(GetParam());
  const auto truth = definition<double>(songs), slope = chain_rule<double>(songs);
  const auto plain = by_lags(
      songs, [](float value) { return value; }, Rounded::convolution_too);
  const Loops unfused = bigrams(*make_unfused_cuda_backend(0, MathMode::fp32), songs);
  expect_close(unfused.out, truth, plain.out, GetParam().name + ", fp32");
  expect_close_gradients(songs.p, unfused.gradient, slope, plain.gradient,
                         GetParam().name + ", fp32");
  const Loops fused = bigrams(*make_cuda_backend(0, MathMode::fp32), songs);
  expect_alike(fused.out, unfused.out, worst_error(fused.out, truth, plain.out).allowed);
  expect_alike(fused.gradient, unfused.gradient,
               worst_error(fused.gradient, slope, plain.gradient).allowed);

  const auto in_tf32 = by_lags(songs, nvcuda::wmma::__float_to_tf32, Rounded::convolution_too);
  const Loops rounded = bigrams(*make_unfused_cuda_backend(0, MathMode::tf32), songs);
  expect_close(rounded.out, truth, in_tf32.out, GetParam().name + ", tf32");
  expect_close_gradients(songs.p, rounded.gradient, slope, in_tf32.gradient,
                         GetParam().name + ", tf32");
}

// Songs in pieces: what the forward of each left must be where the backward looks for it.
TEST_P(UnfusedBigrams, InPiecesAreTheSame) {
  const CaseSongs songs(GetParam());
  const Loops all = bigrams(*make_unfused_cuda_backend(0, MathMode::fp32), songs);
  const Loops one_by_one = bigrams(*make_unfused_cuda_backend(0, MathMode::fp32, 1), songs);
  EXPECT_EQ(one_by_one.out, all.out);
  const auto plain = chain_rule<float>(songs);
  expect_close_gradients(songs.p, one_by_one.gradient, chain_rule<double>(songs), plain,
                         GetParam().name + ", one by one");
}

INSTANTIATE_TEST_SUITE_P(Cases, UnfusedBigrams, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

std::vector<BigramCase> few_bands() {
  std::vector<BigramCase> cases(2, banded_cases().front());
  cases[1].name = "three_bands";
  cases[1].params.bands = 3;
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Bands, UnfusedBigrams, ::testing::ValuesIn(few_bands()),
                         [](const auto& info) { return info.param.name; });

TEST_F(EmulationTest, TheUnfusedPathDeclinesWhatItHasNot) {
  const auto backend = make_unfused_cuda_backend();
  EXPECT_CONTAINS(backend->description(), "bigrams by cuDNN and cuBLAS");
  const BigramParams given = given_events_cases().front().params;
  const char* reason = "the CUDA back end has no events of a network without the fused kernels";
  EXPECT_EQ(error_of([&] {
              backend->run(ops::BigramForward{.songs = {{}, nullptr, 1, 9}, .params = given});
            }),
            reason);
  EXPECT_EQ(error_of([&] {
              backend->run(ops::BigramBackward{.songs = {{}, nullptr, 1, 9}, .params = given});
            }),
            reason);
  set_device_count(0);
  EXPECT_EQ(error_of([] { make_unfused_cuda_backend(); }), "no CUDA device was found");
}

}  // namespace
}  // namespace reprise::emulation
