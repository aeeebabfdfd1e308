#include <gtest/gtest.h>

#include "op_cases.h"
#include "oracle_event_layer.h"
#include "reprise/backend.h"

namespace reprise {
namespace {

struct Results {
  std::vector<float> out, gradient, x_gradient;
  std::vector<std::int32_t> argmax;
};

class EventLayer : public testing::TestWithParam<EventLayerCase> {
 protected:
  const EventLayerParams& p = GetParam().params;
  const int songs = GetParam().songs;
  const std::vector<float> x = event_layer_case_input(GetParam());
  const std::vector<float> weights = event_layer_case_weights(p);
  const std::vector<float> out_gradient =
      random_values(std::int64_t{songs} * p.out_values(), 1.0f, 14);

  Results run(int threads) const {
    const auto backend = make_cpu_backend(threads);
    Results r;
    r.out.assign(out_gradient.size(), -1.0f);
    r.argmax.assign(out_gradient.size(), -1);
    r.gradient.assign(p.weights(), 7.0f);
    r.x_gradient.assign(x.size(), 7.0f);
    backend->run(ops::EventLayerForward{.x = x.data(),
                                        .count = songs,
                                        .weights = weights.data(),
                                        .params = p,
                                        .out = r.out.data(),
                                        .argmax = r.argmax.data()});
    backend->run(ops::EventLayerBackward{.x = x.data(),
                                         .count = songs,
                                         .weights = weights.data(),
                                         .params = p,
                                         .out = r.out.data(),
                                         .argmax = r.argmax.data(),
                                         .out_gradient = out_gradient.data(),
                                         .gradient = r.gradient.data(),
                                         .x_gradient = r.x_gradient.data()});
    return r;
  }

  template <class Real>
  std::vector<Real> song(int i) const {
    const auto first = x.begin() + std::ptrdiff_t{i} * p.in_values();
    return std::vector<Real>(first, first + p.in_values());
  }
};

TEST_P(EventLayer, ArgmaxIsTheFrameOfTheLargestResponse) {
  const Results r = run(2);
  for (int i = 0; i < songs; ++i) {
    const auto d = oracle::event_layer_forward(song<double>(i), weights, p);
    for (std::size_t at = 0; at < d.argmax.size(); ++at) {
      const int found = r.argmax[i * d.argmax.size() + at], n = int(at) % p.filters;
      ASSERT_EQ(found / p.pool, d.argmax[at] / p.pool);
      // Rounding may choose another of two nearly equal frames.
      EXPECT_NEAR(d.responses[found * p.filters + n], d.responses[d.argmax[at] * p.filters + n],
                  1e-5);
    }
  }
}

TEST_P(EventLayer, NeedsNoArgmaxWithoutABackwardAndNoGradientOfItsInput) {
  const Results r = run(2);
  std::vector<float> without_backward(r.out.size());
  make_cpu_backend(1)->run(ops::EventLayerForward{.x = x.data(),
                                                  .count = songs,
                                                  .weights = weights.data(),
                                                  .params = p,
                                                  .out = without_backward.data()});
  EXPECT_EQ(without_backward, r.out);
  std::vector<float> gradient(p.weights(), 7.0f);
  make_cpu_backend(1)->run(ops::EventLayerBackward{.x = x.data(),
                                                   .count = songs,
                                                   .weights = weights.data(),
                                                   .params = p,
                                                   .out = r.out.data(),
                                                   .argmax = r.argmax.data(),
                                                   .out_gradient = out_gradient.data(),
                                                   .gradient = gradient.data()});
  EXPECT_EQ(gradient, r.gradient);
}

// The chain rule of the oracle against finite differences of its forward, in double precision,
// clear of kinks: another winner, or a response that crosses zero.
TEST_P(EventLayer, ChainRuleEqualsFiniteDifferences) {
  const std::vector<double> at(weights.begin(), weights.end()), input = song<double>(0);
  std::vector<double> gradient(p.weights(), 0), x_gradient(p.in_values(), 0);
  oracle::event_layer_backward(input, at, p, out_gradient.data(), gradient, x_gradient);
  const auto value = [&](const oracle::EventLayer<double>& layer) {
    double sum = 0;
    for (std::size_t d = 0; d < layer.out.size(); ++d)
      sum += double{out_gradient[d]} * layer.out[d];
    return sum;
  };
  Random random(15);
  int checked = 0;
  const auto compare = [&](bool of_weight, std::uint32_t which, double expected) {
    constexpr double kStep = 1e-6;
    const auto moved = [&](double by) {
      std::vector<double> w = at, v = input;
      (of_weight ? w : v)[which] += by;
      return oracle::event_layer_forward(v, w, p);
    };
    const auto up = moved(kStep), down = moved(-kStep);
    if (up.argmax != down.argmax) return;
    for (std::size_t d = 0; d < up.out.size(); ++d)
      if (p.activation == LayerActivation::relu && (up.out[d] > 0) != (down.out[d] > 0)) return;
    EXPECT_NEAR((value(up) - value(down)) / (2 * kStep), expected, 1e-5 * (1 + std::abs(expected)))
        << (of_weight ? "weight " : "input ") << which;
    ++checked;
  };
  for (int trial = 0; trial < 60 && checked < 16; ++trial) {
    const auto weight = random.below(std::uint32_t(p.weights()));
    compare(true, weight, gradient[weight]);
    const auto in = random.below(std::uint32_t(p.in_values()));
    compare(false, in, x_gradient[in]);
  }
  EXPECT_GE(checked, 16) << "too many kinks";
}

TEST_P(EventLayer, SameArgmaxForAnyNumberOfThreads) {
  EXPECT_EQ(run(1).argmax, run(5).argmax);
}

INSTANTIATE_TEST_SUITE_P(Cases, EventLayer, testing::ValuesIn(event_layer_cases()),
                         [](const auto& info) { return info.param.name; });

// Three frames of one channel, a filter of two frames that adds a frame and half of the next, and
// the larger of each two: responses 1 + 2, 4 + 1, 2 + 0, so the second frame wins and passes its
// gradient to frames 1 and 2.
TEST(EventLayerValues, ThreeFramesByHand) {
  const EventLayerParams p{3, 1, 1, 2, 2, LayerActivation::relu};
  const std::vector<float> x{1, 4, 2}, weights{1, 0.5f, 0}, dout{1, 0};
  std::vector<float> out(2), gradient(3), dx(3);
  std::vector<std::int32_t> argmax(2);
  const auto backend = make_cpu_backend(1);
  backend->run(ops::EventLayerForward{.x = x.data(),
                                      .count = 1,
                                      .weights = weights.data(),
                                      .params = p,
                                      .out = out.data(),
                                      .argmax = argmax.data()});
  EXPECT_EQ(out, (std::vector<float>{5, 2}));
  EXPECT_EQ(argmax, (std::vector<std::int32_t>{1, 2}));
  backend->run(ops::EventLayerBackward{.x = x.data(),
                                       .count = 1,
                                       .weights = weights.data(),
                                       .params = p,
                                       .out = out.data(),
                                       .argmax = argmax.data(),
                                       .out_gradient = dout.data(),
                                       .gradient = gradient.data(),
                                       .x_gradient = dx.data()});
  EXPECT_EQ(gradient, (std::vector<float>{4, 2, 1}));
  EXPECT_EQ(dx, (std::vector<float>{0, 1, 0.5f}));
}

}  // namespace
}  // namespace reprise
