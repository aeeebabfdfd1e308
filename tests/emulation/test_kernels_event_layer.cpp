// The kernels of event networks' layers, against the double-precision definition.
#include "../op_cases.h"
#include "../oracle_event_layer.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class EventLayerKernels : public EmulationTest,
                          public ::testing::WithParamInterface<EventLayerCase> {
 protected:
  void SetUp() override {
    EmulationTest::SetUp();
    c = GetParam();
    c.songs = std::min(c.songs, 10);  // more than the warps of a block
    x = event_layer_case_input(c);
    weights = event_layer_case_weights(c.params);
    out_gradient = random_values(std::int64_t{c.songs} * c.params.out_values(), 1.0f, 14);
  }

  EventLayerCase c;
  std::vector<float> x, weights, out_gradient;
};

TEST_P(EventLayerKernels, EqualTheDefinition) {
  const EventLayerParams& p = c.params;
  const std::size_t values = out_gradient.size();
  // out, the gradient of the weights, and that of the input
  const auto result = same_in_every_order([&] {
    const float* songs = to_device(x);
    const float* filters = to_device(weights);
    float* out = device_array<float>(values);
    auto* argmax = device_array<std::int32_t>(values);
    float* gradient = device_array<float>(p.weights());
    float* x_gradient = device_array<float>(x.size());
    kernels::event_layer_forward({.x = songs,
                                  .count = c.songs,
                                  .weights = filters,
                                  .params = p,
                                  .out = out,
                                  .argmax = argmax},
                                 nullptr);
    kernels::event_layer_backward({.x = songs,
                                   .count = c.songs,
                                   .weights = filters,
                                   .params = p,
                                   .out = out,
                                   .argmax = argmax,
                                   .out_gradient = to_device(out_gradient),
                                   .gradient = gradient,
                                   .x_gradient = x_gradient},
                                  nullptr);
    std::vector<float> all = to_host(out, values);
    for (const auto& [from, size] :
         {std::pair{gradient, std::size_t(p.weights())}, {x_gradient, x.size()}}) {
      const std::vector<float> some = to_host(from, size);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  });
  const auto definition = [&]<typename Real>(Real) {
    std::vector<Real> all, gradient(p.weights(), 0), x_gradient;
    for (int i = 0; i < c.songs; ++i) {
      const auto first = x.begin() + std::ptrdiff_t{i} * p.in_values();
      const std::vector<Real> song(first, first + p.in_values());
      const auto layer = oracle::event_layer_forward(song, weights, p);
      all.insert(all.end(), layer.out.begin(), layer.out.end());
      std::vector<Real> some(p.in_values(), 0);
      oracle::event_layer_backward(song, weights, p, &out_gradient[std::size_t(i) * p.out_values()],
                                   gradient, some);
      x_gradient.insert(x_gradient.end(), some.begin(), some.end());
    }
    all.insert(all.end(), gradient.begin(), gradient.end());
    all.insert(all.end(), x_gradient.begin(), x_gradient.end());
    return all;
  };
  const auto truth = definition(double{});
  const auto plain = definition(float{});
  const std::size_t ends[] = {0, values, values + p.weights(), truth.size()};
  for (int part = 0; part < 3; ++part) {
    const std::size_t first = ends[part], size = ends[part + 1] - first;
    expect_close(std::span(result).subspan(first, size), std::span(truth).subspan(first, size),
                 std::span(plain).subspan(first, size), c.name + " part " + std::to_string(part));
  }
}

TEST_P(EventLayerKernels, NeedNoWinnersWithoutABackward) {
  const EventLayerParams& p = c.params;
  const auto forward = [&](std::int32_t* argmax) {
    float* out = device_array<float>(out_gradient.size());
    kernels::event_layer_forward({.x = to_device(x),
                                  .count = c.songs,
                                  .weights = to_device(weights),
                                  .params = p,
                                  .out = out,
                                  .argmax = argmax},
                                 nullptr);
    return to_host(out, out_gradient.size());
  };
  EXPECT_EQ(forward(nullptr), forward(device_array<std::int32_t>(out_gradient.size())));
}

INSTANTIATE_TEST_SUITE_P(Bands, EventLayerKernels,
                         ::testing::Values(EventLayerCase{
                             "three_bands", {40, 36, 8, 4, 3, LayerActivation::relu}, 3}),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cases, EventLayerKernels, ::testing::ValuesIn(event_layer_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace reprise::emulation
