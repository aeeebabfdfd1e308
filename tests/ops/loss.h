#pragma once

#include "op_cases.h"
#include "ops/engine.h"
#include "oracle.h"

namespace reprise::ops_test {

struct Loss {
  static constexpr const char* kName = "loss";

  using Case = LossCase;
  /// The shared table's, dimensions past one slice of a product on a device, and rows past one tile
  /// of a sum and one for each thread.
  static std::vector<Case> cases() {
    std::vector<Case> cases = loss_cases();
    std::vector<std::int32_t> labels;
    for (int i = 0; i < 290; ++i) labels.push_back(i / 2 % 140);
    const auto first = [&](int rows) {
      return std::vector<std::int32_t>(labels.begin(), labels.begin() + rows);
    };
    cases.push_back({"nt_xent_600_dims", {reprise::Loss::nt_xent, 0, 1, 60}, first(18), 600, 2.5f});
    cases.push_back({"nt_xent_70_rows", {reprise::Loss::nt_xent, 0, 1, 60}, first(70), 70, 2.5f});
    cases.push_back({"triplet_70_dims", {reprise::Loss::triplet, 0.4f, 1, 60}, first(18), 70});
    cases.push_back({"triplet_290_rows", {reprise::Loss::triplet, 0.4f, 1, 60}, labels, 5});
    return cases;
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          z(on, loss_case_rows(c)),
          labels(on, c.labels),
          scale(on, std::vector<float>{c.log_scale}),
          numbers(on, 2),
          z_gradient(on, z.size()) {}
    void run() {
      backend.run(ops::Loss{.z = z.data(),
                            .labels = labels.data(),
                            .rows = labels.size(),
                            .dims = c.dims,
                            .log_inverse_temperature = scale.data(),
                            .params = c.params,
                            .loss = numbers.data(),
                            .z_gradient = z_gradient.data(),
                            .log_inverse_temperature_gradient = numbers.data() + 1});
    }
    Parts<float> results() const {
      const std::vector<float> of = numbers.download();
      return {{"loss", {of[0]}},
              {"gradient of the log inverse temperature", {of[1]}},
              {"gradient", z_gradient.download()}};
    }

    Backend& backend;
    Case c;
    Buffer<float> z;
    Buffer<std::int32_t> labels;
    Buffer<float> scale, numbers, z_gradient;
  };

  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const std::vector<float> rows = loss_case_rows(c);
    const std::vector<Real> z(rows.begin(), rows.end());
    const auto gradient = oracle::loss_gradient(z, c.labels, c.dims, Real(c.log_scale), c.params);
    return {{"loss", {oracle::loss(z, c.labels, c.dims, Real(c.log_scale), c.params)}},
            {"gradient of the log inverse temperature", {gradient.by_log_scale}},
            {"gradient", gradient.by_z}};
  }
};

}  // namespace reprise::ops_test
