#pragma once

#include <algorithm>
#include <limits>

#include "op_cases.h"
#include "ops/engine.h"

namespace reprise::ops_test {

struct Similarities {
  static constexpr const char* kName = "similarities";

  struct Case {
    std::string name;
    int queries, keys, candidates, dims;
    bool biased = true;

    std::vector<float> q() const {
      return random_values(std::int64_t{queries} * keys * dims, 1, 1);
    }
    std::vector<float> c() const { return random_values(std::int64_t{candidates} * dims, 1, 2); }
    std::vector<float> bias() const { return random_values(candidates, 1, 3); }
  };

  static std::vector<Case> cases() {
    return {{"one_value", 1, 1, 1, 1},
            {"twelve_keys", 7, 12, 100, 30},
            {"two_keys", 65, 2, 64, 8},
            {"many_dims", 33, 2, 65, 256},
            {"many_candidates", 3, 13, 1025, 19},
            {"without_bias", 5, 3, 40, 17, false},
            {"many_queries", 200, 1, 65, 40}};
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          q(on, c.q()),
          candidates(on, c.c()),
          bias(on, c.bias()),
          out(on, std::int64_t{c.queries} * c.candidates) {}
    void run() {
      backend.run(ops::Similarities{.q = q.data(),
                                    .queries = c.queries,
                                    .keys = c.keys,
                                    .c = candidates.data(),
                                    .candidates = c.candidates,
                                    .dims = c.dims,
                                    .bias = c.biased ? bias.data() : nullptr,
                                    .out = out.data()});
    }
    Parts<float> results() const { return {{"scores", out.download()}}; }

    Backend& backend;
    Case c;
    Buffer<float> q, candidates, bias, out;
  };

  template <class Real>
  static Parts<Real> definition(const Case& of) {
    const std::vector<float> q = of.q(), c = of.c(), bias = of.bias();
    std::vector<Real> out;
    for (int i = 0; i < of.queries; ++i)
      for (int j = 0; j < of.candidates; ++j) {
        Real best = -std::numeric_limits<Real>::infinity();
        for (int key = 0; key < of.keys; ++key) {
          Real sum = 0;
          for (int d = 0; d < of.dims; ++d)
            sum += Real(q[(i * of.keys + key) * of.dims + d]) * Real(c[j * of.dims + d]);
          best = std::max(best, sum);
        }
        out.push_back(best + (of.biased ? Real(bias[j]) : 0));
      }
    return {{"scores", out}};
  }
};

}  // namespace reprise::ops_test
