// The unfused path's own kernels, in every order of threads; its convolution and its products over
// time are plain loops here (test_cuda_unfused.cpp has the libraries' stand-ins).
#include "../op_cases.h"
#include "../oracle.h"
#include "../tolerance.h"
#include "forward_by_lags.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

std::vector<float> unfused(const BigramCase& c, const std::vector<float>& chroma,
                           const std::vector<float>& weights) {
  const BigramParams& p = c.params;
  const auto excerpts = case_excerpts(c);
  const auto count = std::ssize(excerpts);
  const LagSet lags = distinct_lags(p);
  const int longest = *std::max_element(c.frames.begin(), c.frames.end()), n = p.events;
  const int frames = p.event_frames(longest), signal = frames + p.event_length - 1;
  const int rows = frames + lags.lag[lags.count - 1];
  const kernels::BigramBatch batch{
      {to_device(chroma), ChromaType::float32, std::ssize(chroma) / kPitchClasses},
      to_device(excerpts),
      count,
      longest,
      to_device(weights)};

  float* songs = device_array<float>(count * signal * kPitchClasses);
  kernels::unfused_songs(batch, signal, songs, nullptr);
  const auto x = to_host(songs, count * signal * kPitchClasses);
  std::vector<float> responses;
  for (std::int64_t s = 0; s < count; ++s)
    for (int t = 0; t < frames; ++t)
      for (int i = 0; i < n; ++i) {
        float sum = 0;
        for (int q = 0; q < p.event_length * kPitchClasses; ++q)
          sum += weights[i * p.event_length * kPitchClasses + q] *
                 x[(s * signal + t) * kPitchClasses + q];
        responses.push_back(sum);
      }
  float* events = device_array<float>(count * rows * n);
  kernels::unfused_events(batch, p, to_device(responses), frames, rows, events, nullptr);
  const auto e = to_host(events, count * rows * n);
  std::vector<float> correlations;
  for (std::int64_t s = 0; s < count; ++s)
    for (int l = 0; l < lags.count; ++l)
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
          float sum = 0;
          for (int t = 0; t < frames; ++t)
            sum += e[(s * rows + t + lags.lag[l]) * n + i] * e[(s * rows + t) * n + j];
          correlations.push_back(sum);
        }
  float* out = device_array<float>(count * p.dims());
  kernels::unfused_finish(batch, p, to_device(correlations), out, nullptr);
  return to_host(out, count * p.dims());
}

class UnfusedKernels : public EmulationTest, public ::testing::WithParamInterface<BigramCase> {};

TEST_P(UnfusedKernels, EqualTheDefinition) {
  const BigramCase& c = GetParam();
  const auto excerpts = case_excerpts(c);
  const auto chroma = random_chroma(excerpts.back().first + excerpts.back().frames, 1);
  const auto weights = bigram_case_weights(c.params, 2);
  const auto result = same_in_every_order([&] { return unfused(c, chroma, weights); });
  std::vector<double> truth;
  std::vector<float> plain;
  for (const Excerpt& e : excerpts) {
    const ChromaView view{chroma.data(), ChromaType::float32, 0};
    const auto exact =
        oracle::bigram_forward(oracle::excerpt_chroma<double>(view, e), weights, c.params);
    truth.insert(truth.end(), exact.out.begin(), exact.out.end());
    forward_by_lags(
        c.params, view, e, weights, [](float) {}, plain);
  }
  expect_close(result, truth, plain, c.name);
}

INSTANTIATE_TEST_SUITE_P(Cases, UnfusedKernels, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace reprise::emulation
