// The unfused path's own kernels, in every order of threads; its convolution and its products over
// time are plain loops here (test_cuda_unfused.cpp has the libraries' stand-ins).
#include "bigram_references.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

/// Forward and backward; returns the fingerprints, then the gradient.
std::vector<float> unfused(const CaseSongs& songs) {
  const BigramParams& p = songs.p;
  const auto count = songs.count();
  const LagSet lags = distinct_lags(p);
  const int n = p.events, terms = p.filter_values();
  const int frames = p.event_frames(int(songs.longest)), signal = frames + p.event_length - 1;
  const int rows = frames + lags.lag[lags.count - 1];
  const kernels::BigramBatch batch{
      {songs.view(to_device(songs.chroma)), to_device(songs.excerpts), count, songs.longest},
      to_device(songs.weights)};
  const auto for_each_response = [&](auto use) {  // use(response, first value of its chroma, event)
    for (std::int64_t s = 0; s < count; ++s)
      for (int t = 0; t < frames; ++t)
        for (int i = 0; i < n; ++i) use((s * frames + t) * n + i, (s * signal + t) * p.width(), i);
  };
  // use(correlation, song, row and number of one event, row and number of the other)
  const auto for_each_product = [&](auto use) {
    for (std::int64_t s = 0; s < count; ++s)
      for (int l = 0; l < lags.count; ++l)
        for (int ij = 0; ij < n * n; ++ij)
          for (int t = 0; t < frames; ++t)
            use((s * lags.count + l) * n * n + ij, s, t + lags.lag[l], ij / n, t, ij % n);
  };

  float* on_device = device_array<float>(count * signal * p.width());
  kernels::unfused_songs(batch, signal, on_device, nullptr);
  const auto x = to_host(on_device, count * signal * p.width());
  std::vector<float> responses(count * frames * n);
  for_each_response([&](auto at, auto chroma, int i) {
    for (int q = 0; q < terms; ++q) responses[at] += songs.weights[i * terms + q] * x[chroma + q];
  });
  float* events = device_array<float>(count * rows * n);
  const float* responses_on_device = to_device(responses);
  kernels::unfused_events(batch, p, responses_on_device, frames, rows, events, nullptr);
  const auto e = to_host(events, count * rows * n);
  std::vector<float> c(count * lags.count * n * n);
  for_each_product([&](auto at, auto s, int later, int i, int t, int j) {
    c[at] += e[(s * rows + later) * n + i] * e[(s * rows + t) * n + j];
  });
  float* out = device_array<float>(count * p.dims());
  const float* correlations = to_device(c);
  kernels::unfused_finish(batch, p, correlations, out, nullptr);

  float* of_correlations = device_array<float>(c.size());
  float* of_windows = device_array<float>(count * p.windows * p.taps);
  kernels::unfused_unmix(batch, p, correlations, to_device(songs.out_gradient),
                         device_array<float>(count * p.dims()), of_correlations, of_windows,
                         nullptr);
  const auto d = to_host(of_correlations, c.size());
  std::vector<float> de(responses.size());
  for_each_product([&](auto at, auto s, int later, int i, int t, int j) {
    de[(s * frames + t) * n + j] += d[at] * e[(s * rows + later) * n + i];
    if (later < frames) de[(s * frames + later) * n + i] += d[at] * e[(s * rows + t) * n + j];
  });
  float* of_events = to_device(de);
  float* of_biases = device_array<float>(count * n);
  kernels::unfused_mask(batch, p, responses_on_device, frames, of_events, of_biases, nullptr);
  const auto of_responses = to_host(of_events, de.size());
  std::vector<float> of_filters(p.event_weights());
  for_each_response([&](auto at, auto chroma, int i) {
    for (int q = 0; q < terms; ++q) of_filters[i * terms + q] += of_responses[at] * x[chroma + q];
  });
  float* gradient = to_device(std::vector<float>(p.weights()));
  kernels::unfused_sum(p, count, to_device(of_filters), of_biases, of_windows, gradient, nullptr);

  auto result = to_host(out, count * p.dims());
  const auto slope = to_host(gradient, p.weights());
  result.insert(result.end(), slope.begin(), slope.end());
  return result;
}

class UnfusedKernels : public EmulationTest, public ::testing::WithParamInterface<BigramCase> {};

TEST_P(UnfusedKernels, EqualTheDefinition) {
  const CaseSongs songs(GetParam());
  const auto all = same_in_every_order([&] { return unfused(songs); });
  const std::span result(all);
  const auto dims = songs.count() * songs.p.dims();
  const auto plain = by_lags(
      songs, [](float value) { return value; }, Rounded::convolution_too);
  expect_close(result.first(dims), definition<double>(songs), plain.out, GetParam().name);
  expect_close_gradients(songs.p, result.subspan(dims), chain_rule<double>(songs), plain.gradient,
                         GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(Bands, UnfusedKernels, ::testing::ValuesIn(banded_cases()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cases, UnfusedKernels, ::testing::ValuesIn(bigram_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace reprise::emulation
