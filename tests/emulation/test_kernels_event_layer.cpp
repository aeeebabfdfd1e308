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
