#pragma once

#include <algorithm>

#include "op_cases.h"
#include "ops/engine.h"
#include "oracle_event_layer.h"

namespace reprise::ops_test {

/// event_layer_forward, then event_layer_backward of what it left.
struct EventLayer {
  static constexpr const char* kName = "event_layer";

  struct Case : EventLayerCase {
    std::vector<float> x() const { return event_layer_case_input(*this); }
    std::vector<float> weights() const { return event_layer_case_weights(params); }
    std::vector<float> out_gradient() const {
      return random_values(std::int64_t{songs} * params.out_values(), 1.0f, 14);
    }
  };

  /// The shared table's, songs past one task of a thread, and a frame of several bands.
  static std::vector<Case> cases() {
    std::vector<Case> cases;
    for (const EventLayerCase& c : event_layer_cases()) cases.push_back({c});
    cases.push_back({{"many_songs", {1, 40, 24, 1, 1, LayerActivation::tanh}, 70}});
    cases.push_back({{"three_bands", {40, 36, 8, 4, 3, LayerActivation::relu}, 3}});
    return cases;
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          x(on, c.x()),
          weights(on, c.weights()),
          out_gradient(on, c.out_gradient()),
          out(on, out_gradient.size()),
          gradient(on, std::vector<float>(weights.size(), 7.0f)),
          x_gradient(on, std::vector<float>(x.size(), 7.0f)),
          argmax(on, out.size()) {}
    void run() {
      backend.run(ops::EventLayerForward{.x = x.data(),
                                         .count = c.songs,
                                         .weights = weights.data(),
                                         .params = c.params,
                                         .out = out.data(),
                                         .argmax = argmax.data()});
      backend.run(ops::EventLayerBackward{.x = x.data(),
                                          .count = c.songs,
                                          .weights = weights.data(),
                                          .params = c.params,
                                          .out = out.data(),
                                          .argmax = argmax.data(),
                                          .out_gradient = out_gradient.data(),
                                          .gradient = gradient.data(),
                                          .x_gradient = x_gradient.data()});
    }
    Parts<float> results() const {
      return {{"forward", out.download()},
              {"gradient of the weights", gradient.download()},
              {"gradient of the input", x_gradient.download()}};
    }

    Backend& backend;
    Case c;
    Buffer<float> x, weights, out_gradient, out, gradient, x_gradient;
    Buffer<std::int32_t> argmax;
  };

  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const EventLayerParams& p = c.params;
    const std::vector<float> x = c.x(), weights = c.weights(), out_gradient = c.out_gradient();
    std::vector<Real> out, gradient(p.weights(), 0), x_gradient;
    for (int i = 0; i < c.songs; ++i) {
      const auto first = x.begin() + std::ptrdiff_t{i} * p.in_values();
      const std::vector<Real> song(first, first + p.in_values());
      const auto layer = oracle::event_layer_forward(song, weights, p);
      out.insert(out.end(), layer.out.begin(), layer.out.end());
      std::vector<Real> of_song(p.in_values(), 0);
      oracle::event_layer_backward(song, weights, p, &out_gradient[std::size_t(i) * p.out_values()],
                                   gradient, of_song);
      x_gradient.insert(x_gradient.end(), of_song.begin(), of_song.end());
    }
    return {{"forward", out},
            {"gradient of the weights", gradient},
            {"gradient of the input", x_gradient}};
  }
};

}  // namespace reprise::ops_test
