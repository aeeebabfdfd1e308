#pragma once

#include <cmath>

#include "op_cases.h"
#include "ops/engine.h"

namespace reprise::ops_test {

/// Some steps, each with a gradient of its own (Kingma & Ba 2015, algorithm 1).
struct Adam {
  static constexpr const char* kName = "adam";
  static constexpr double kLearningRate = 0.003;

  struct Case {
    std::string name;
    int count;
    int steps;
    float clip;

    AdamParams params() const {
      AdamParams p;
      p.max_grad_norm = clip;
      return p;
    }
    std::vector<float> weights() const { return random_values(count, 1, 1); }
    std::vector<float> gradient(int step) const {
      return random_values(count, 0.5f, static_cast<std::uint64_t>(step) + 10);
    }
  };

  static std::vector<Case> cases() {
    return {{"one_weight", 1, 2, 0},
            {"many_steps", 50, 100, 0},
            {"more_weights_than_threads", 1100, 3, 0},
            {"clipped", 1100, 3, 1},
            {"not_long_enough_to_clip", 1100, 3, 1e6f}};
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          weights(on, c.weights()),
          moment1(on, std::vector<float>(c.count)),
          moment2(on, std::vector<float>(c.count)),
          gradient(on, c.count),
          step(on, 1),
          norm(on, 1) {}
    void run() {
      for (int now = 1; now <= c.steps; ++now) {
        gradient.upload(c.gradient(now));
        step.upload(std::vector<AdamStep>{AdamStep(c.params(), kLearningRate, now)});
        backend.run(ops::Adam{.weights = weights.data(),
                              .moment1 = moment1.data(),
                              .moment2 = moment2.data(),
                              .gradient = gradient.data(),
                              .count = c.count,
                              .params = c.params(),
                              .step = step.data(),
                              .gradient_norm = norm.data()});
      }
    }
    Parts<float> results() const {
      return {{"norm", norm.download()},
              {"weights", weights.download()},
              {"first moment", moment1.download()},
              {"second moment", moment2.download()}};
    }

    Backend& backend;
    Case c;
    Buffer<float> weights, moment1, moment2, gradient;
    Buffer<AdamStep> step;
    Buffer<float> norm;
  };

  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const AdamParams p = c.params();
    const std::vector<float> start = c.weights();
    std::vector<Real> w(start.begin(), start.end()), m(start.size(), 0), v(start.size(), 0);
    Real norm = 0;
    for (int step = 1; step <= c.steps; ++step) {
      const std::vector<float> g = c.gradient(step);
      Real square = 0;
      for (const float value : g) square += Real(value) * Real(value);
      norm = std::sqrt(square);
      const Real scale = p.max_grad_norm > 0 && norm > Real(p.max_grad_norm)
                             ? Real(p.max_grad_norm) / norm
                             : Real(1);
      const Real b1 = Real(p.beta1), b2 = Real(p.beta2);
      for (std::size_t i = 0; i < w.size(); ++i) {
        const Real gi = Real(g[i]) * scale;
        m[i] = b1 * m[i] + (1 - b1) * gi;
        v[i] = b2 * v[i] + (1 - b2) * gi * gi;
        w[i] -= Real(float(kLearningRate)) * (m[i] / (1 - std::pow(b1, Real(step)))) /
                (std::sqrt(v[i] / (1 - std::pow(b2, Real(step)))) + Real(p.epsilon));
      }
    }
    return {{"norm", {norm}}, {"weights", w}, {"first moment", m}, {"second moment", v}};
  }
};

}  // namespace reprise::ops_test
