// The unfused path on the emulated device, with the stand-ins of cuDNN and cuBLAS, by the rule that
// the fused kernels are held to.
#include "backend/cuda/unfused.h"

#include <algorithm>

#include "../op_cases.h"
#include "../oracle.h"
#include "../tolerance.h"
#include "forward_by_lags.h"
#include "mma.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

std::vector<float> forward(Backend& backend, const CaseSongs& songs) {
  const Buffer<float> chroma(backend, songs.chroma), weights(backend, songs.weights);
  const Buffer<Excerpt> excerpts(backend, songs.excerpts);
  Buffer<float> out(backend, songs.count() * songs.p.dims());
  backend.bigram_forward({chroma.data(), ChromaType::float32, chroma.size() / kPitchClasses},
                         excerpts.data(), songs.count(), songs.longest, weights.data(), songs.p,
                         out.data(), nullptr);
  return out.download();
}

std::vector<double> definition(const CaseSongs& songs) {
  std::vector<double> out;
  for (const Excerpt& e : songs.excerpts) {
    const ChromaView view{songs.chroma.data(), ChromaType::float32, 0};
    const auto b =
        oracle::bigram_forward(oracle::excerpt_chroma<double>(view, e), songs.weights, songs.p);
    out.insert(out.end(), b.out.begin(), b.out.end());
  }
  return out;
}

template <typename Round>
std::vector<float> plain_loops(const CaseSongs& songs, Round round) {
  std::vector<float> out;
  for (const Excerpt& e : songs.excerpts)
    forward_by_lags(songs.p, {songs.chroma.data(), ChromaType::float32, 0}, e, songs.weights, round,
                    out);
  return out;
}

class UnfusedBigrams : public EmulationTest, public ::testing::WithParamInterface<BigramCase> {};

TEST_P(UnfusedBigrams, EqualTheDefinitionAndTheFusedKernels) {
  const CaseSongs songs(GetParam());
  const auto truth = definition(songs);
  const auto plain = plain_loops(songs, [](float) {});
  const auto unfused = forward(*make_unfused_cuda_backend(0, Arithmetic::fp32), songs);
  expect_close(unfused, truth, plain, GetParam().name + ", fp32");
  // Each is within what is allowed to this order of sums, so that they are within twice of that.
  const auto fused = forward(*make_cuda_backend(0, Arithmetic::fp32), songs);
  const double allowed = worst_error(fused, truth, plain).allowed;
  for (std::size_t i = 0; i < fused.size(); ++i)
    ASSERT_LE(std::abs(double{fused[i]} - double{unfused[i]}), 2 * allowed) << i;
  const auto in_tf32 =
      plain_loops(songs, [](float& value) { value = nvcuda::wmma::__float_to_tf32(value); });
  expect_close(forward(*make_unfused_cuda_backend(0, Arithmetic::tf32), songs), truth, in_tf32,
               GetParam().name + ", tf32");
}

INSTANTIATE_TEST_SUITE_P(Cases, UnfusedBigrams, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

TEST_F(EmulationTest, TheUnfusedPathDeclinesWhatItHasNot) {
  const auto backend = make_unfused_cuda_backend();
  EXPECT_CONTAINS(backend->description(), "bigrams by cuDNN and cuBLAS");
  EXPECT_EQ(error_of([&] {
              backend->bigram_backward({}, nullptr, 0, 0, nullptr, {}, nullptr, nullptr, nullptr);
            }),
            "the CUDA back end has no backward without the fused kernels; use --device cpu");
  set_device_count(0);
  EXPECT_EQ(error_of([] { make_unfused_cuda_backend(); }), "no CUDA device was found");
}

}  // namespace
}  // namespace reprise::emulation
