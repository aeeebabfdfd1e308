#pragma once

#include <cmath>

#include "op_cases.h"
#include "ops/engine.h"

namespace reprise::ops_test {

struct Project {
  static constexpr const char* kName = "project";

  struct Case {
    std::string name;
    int rows, in_dims, out_dims;

    std::vector<float> in() const { return random_values(std::int64_t{rows} * in_dims, 1, 1); }
    std::vector<float> weight() const {
      return random_values(std::int64_t{out_dims} * in_dims, 1, 2);
    }
    std::vector<float> bias() const { return random_values(out_dims, 1, 3); }
  };

  static std::vector<Case> cases() {
    return {{"one_value", 1, 1, 1},
            {"ragged", 5, 70, 33},
            {"more_dims_than_threads", 3, 20, 150},
            {"many_rows", 200, 48, 64}};
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          in(on, c.in()),
          weight(on, c.weight()),
          bias(on, c.bias()),
          out(on, std::int64_t{c.rows} * c.out_dims) {}
    void run() {
      backend.run(ops::Project{.in = in.data(),
                               .rows = c.rows,
                               .in_dims = c.in_dims,
                               .weight = weight.data(),
                               .bias = bias.data(),
                               .out_dims = c.out_dims,
                               .out = out.data()});
    }
    Parts<float> results() const { return {{"rows", out.download()}}; }

    Backend& backend;
    Case c;
    Buffer<float> in, weight, bias, out;
  };

  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const std::vector<float> in = c.in(), weight = c.weight(), bias = c.bias();
    std::vector<Real> out;
    for (int row = 0; row < c.rows; ++row) {
      Real square = 0;
      for (int i = 0; i < c.out_dims; ++i) {
        Real sum = 0;
        for (int k = 0; k < c.in_dims; ++k)
          sum += Real(in[row * c.in_dims + k]) * Real(weight[i * c.in_dims + k]);
        out.push_back(sum + Real(bias[i]));
        square += out.back() * out.back();
      }
      for (int i = 0; i < c.out_dims; ++i) out[row * c.out_dims + i] /= std::sqrt(square);
    }
    return {{"rows", out}};
  }
};

}  // namespace reprise::ops_test
