#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/cpu/row_products.h"
#include "bfloat16.h"
#include "op_cases.h"
#include "oracle.h"
#include "reprise/backend.h"
#include "tolerance.h"

namespace reprise {
namespace {

class Losses : public testing::TestWithParam<LossCase> {};

// Products of bfloat16 may be as wrong as the definition is of rows rounded to it.
TEST_P(Losses, OfBfloat16IsAsGoodAsThatOfRoundedRows) {
  if (!cpu::bfloat16_products()) GTEST_SKIP() << "no AVX-512 BF16";
  const LossCase& c = GetParam();
  const std::vector<float> z = loss_case_rows(c);
  const std::vector<double> at(z.begin(), z.end());
  std::vector<float> rounded = z;
  for (float& value : rounded) value = to_bfloat16(value);
  const double truth = oracle::loss(at, c.labels, c.dims, double{c.log_scale}, c.params);
  const float plain_value = oracle::loss(rounded, c.labels, c.dims, c.log_scale, c.params);
  const auto slope = oracle::loss_gradient(at, c.labels, c.dims, double{c.log_scale}, c.params);
  const auto plain = oracle::loss_gradient(rounded, c.labels, c.dims, c.log_scale, c.params);
  float value = 0, scale_gradient = 0;
  std::vector<float> gradient(z.size());
  make_cpu_backend(2, MathMode::bf16)
      ->run(ops::Loss{.z = z.data(),
                      .labels = c.labels.data(),
                      .rows = std::int64_t(c.labels.size()),
                      .dims = c.dims,
                      .log_inverse_temperature = &c.log_scale,
                      .params = c.params,
                      .loss = &value,
                      .z_gradient = gradient.data(),
                      .log_inverse_temperature_gradient = &scale_gradient});
  expect_close({&value, 1}, {&truth, 1}, {&plain_value, 1}, c.name + ", loss");
  expect_close(gradient, slope.by_z, plain.by_z, c.name + ", gradient");
}

// The derivatives as the limits that they are: a central difference in double precision.
TEST_P(Losses, TheOraclesGradientIsTheLossesDerivative) {
  const LossCase& c = GetParam();
  const std::vector<float> z = loss_case_rows(c);
  const std::vector<double> at(z.begin(), z.end());
  const auto loss = [&](const std::vector<double>& where, double log_scale) {
    return oracle::loss(where, c.labels, c.dims, log_scale, c.params);
  };
  const auto gradient = oracle::loss_gradient(at, c.labels, c.dims, double{c.log_scale}, c.params);
  double largest = 0;
  for (const double g : gradient.by_z) largest = std::max(largest, std::abs(g));
  const double step = 1e-6;
  // The loss is a mean over the rows: each rounds once more, and the difference divides by the
  // step.
  const double rounding = double(c.labels.size()) * std::numeric_limits<double>::epsilon() *
                          loss(at, c.log_scale) / step;
  for (std::size_t i = 0; i<at.size(); i += at.size()> 500 ? 37 : 1) {
    std::vector<double> up = at, down = at;
    up[i] += step;
    down[i] -= step;
    EXPECT_NEAR(gradient.by_z[i], (loss(up, c.log_scale) - loss(down, c.log_scale)) / (2 * step),
                rounding + 1e-8 * largest)
        << "value " << i;
  }
  EXPECT_NEAR(gradient.by_log_scale,
              (loss(at, c.log_scale + step) - loss(at, c.log_scale - step)) / (2 * step),
              rounding + 1e-8);
}

INSTANTIATE_TEST_SUITE_P(Cases, Losses, testing::ValuesIn(loss_cases()),
                         [](const auto& info) { return info.param.name; });

// Two works in two dimensions, by hand: every row has similarity 1 with its partner and 0 with the
// two others, so each loss is log(e^s + 2) - s.
TEST(LossValues, NtXentByHand) {
  const std::vector<float> z{1, 0, 1, 0, 0, 1, 0, 1};
  const std::vector<std::int32_t> labels{0, 0, 1, 1};
  const float log_scale = std::log(3.0f);
  float value = 0, scale_gradient = 0;
  std::vector<float> gradient(8);
  make_cpu_backend(1)->run(ops::Loss{.z = z.data(),
                                     .labels = labels.data(),
                                     .rows = 4,
                                     .dims = 2,
                                     .log_inverse_temperature = &log_scale,
                                     .loss = &value,
                                     .z_gradient = gradient.data(),
                                     .log_inverse_temperature_gradient = &scale_gradient});
  EXPECT_NEAR(value, std::log(std::exp(3.0) + 2) - 3, 1e-6);
}

// mean(c d^2) + alpha mean((1 - c) max(0, m - d)^2) over both pairs: (9 + 4 * 5^2) / 2.
TEST(LossValues, ContrastiveByHand) {
  const std::vector<float> z{0, 0, 3, 0, 1, 1, 4, 5};
  const std::vector<std::int32_t> labels{0, 0, 1, 2};
  const float scale = 0;
  float value = 0, scale_gradient = 1;
  std::vector<float> gradient(8);
  make_cpu_backend(1)->run(ops::Loss{.z = z.data(),
                                     .labels = labels.data(),
                                     .rows = 4,
                                     .dims = 2,
                                     .log_inverse_temperature = &scale,
                                     .params = {Loss::contrastive, 10, 4, 60},
                                     .loss = &value,
                                     .z_gradient = gradient.data(),
                                     .log_inverse_temperature_gradient = &scale_gradient});
  EXPECT_NEAR(value, (9 + 4 * 25) / 2.0, 1e-5);
  EXPECT_EQ(scale_gradient, 0.0f);
}

TEST(LossValues, ContrastivePairAtDistanceZeroStays) {
  const std::vector<float> z{1, 2, 1, 2};
  const std::vector<std::int32_t> labels{0, 1};
  const float scale = 0;
  float value = 0, scale_gradient = 0;
  std::vector<float> gradient(4, 1.0f);
  make_cpu_backend(1)->run(ops::Loss{.z = z.data(),
                                     .labels = labels.data(),
                                     .rows = 2,
                                     .dims = 2,
                                     .log_inverse_temperature = &scale,
                                     .params = {Loss::contrastive, 10, 4, 60},
                                     .loss = &value,
                                     .z_gradient = gradient.data(),
                                     .log_inverse_temperature_gradient = &scale_gradient});
  EXPECT_EQ(value, 400.0f);
  for (const float g : gradient) EXPECT_EQ(g, 0.0f);
}

}  // namespace
}  // namespace reprise
