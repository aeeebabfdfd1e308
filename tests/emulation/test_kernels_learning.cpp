// Losses, the optimiser and a projection's last step, against their definitions.
#include "../op_cases.h"
#include "../oracle.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class LossKernels : public EmulationTest, public ::testing::WithParamInterface<LossCase> {};

/// Loss, its gradient by the logarithm of the scale, then z_gradient.
std::vector<float> run_loss(const LossCase& c, const std::vector<float>& z) {
  const auto rows = static_cast<std::int64_t>(c.labels.size());
  float* numbers = device_array<float>(2);
  float* gradient = device_array<float>(z.size());
  kernels::loss({.z = to_device(z),
                 .labels = to_device(c.labels),
                 .rows = rows,
                 .dims = c.dims,
                 .log_inverse_temperature = to_device(std::vector<float>{c.log_scale}),
                 .params = c.params,
                 .loss = numbers,
                 .z_gradient = gradient,
                 .log_inverse_temperature_gradient = numbers + 1},
                device_bytes(kernels::loss_scratch_bytes(rows, c.dims)), nullptr);
  std::vector<float> result = to_host(numbers, 2);
  const std::vector<float> rest = to_host(gradient, z.size());
  result.insert(result.end(), rest.begin(), rest.end());
  return result;
}

/// What run_loss gives, by definition.
template <typename Real>
std::vector<Real> loss_by_definition(const LossCase& c, const std::vector<float>& rows) {
  const std::vector<Real> z(rows.begin(), rows.end());
  const auto gradient = oracle::loss_gradient(z, c.labels, c.dims, Real(c.log_scale), c.params);
  std::vector<Real> all{oracle::loss(z, c.labels, c.dims, Real(c.log_scale), c.params),
                        gradient.by_log_scale};
  all.insert(all.end(), gradient.by_z.begin(), gradient.by_z.end());
  return all;
}

// That the oracle's gradient is the loss's derivative is for test_loss.cpp.
TEST_P(LossKernels, ValueAndGradientEqualTheDefinition) {
  const LossCase& c = GetParam();
  const std::vector<float> z = loss_case_rows(c);
  const std::vector<float> result = same_in_every_order([&] { return run_loss(c, z); });
  const auto truth = loss_by_definition<double>(c, z);
  const auto plain = loss_by_definition<float>(c, z);
  const auto part = [&](std::size_t first, std::size_t size, const char* what) {
    expect_close(std::span(result).subspan(first, size), std::span(truth).subspan(first, size),
                 std::span(plain).subspan(first, size), c.name + ", " + what);
  };
  part(0, 1, "loss");
  part(1, 1, "gradient of the scale");
  part(2, z.size(), "gradient");
}

/// The shared table's, the largest of it cut down, dimensions past one slice of a product, and rows
/// past one tile of a sum and one for each thread.
std::vector<LossCase> kernel_loss_cases() {
  std::vector<LossCase> cases = loss_cases();
  std::erase_if(cases, [](const LossCase& c) { return c.labels.size() > 64; });
  const std::vector<std::int32_t> works{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8};
  cases.push_back({"nt_xent_600_dims", {Loss::nt_xent, 0, 1, 60}, works, 600, 2.5f});
  cases.push_back({"triplet_70_dims", {Loss::triplet, 0.4f, 1, 60}, works, 70});
  std::vector<std::int32_t> many;
  for (int i = 0; i < 290; ++i) many.push_back(i / 2 % 140);
  cases.push_back({"triplet_290_rows", {Loss::triplet, 0.4f, 1, 60}, many, 5});
  many.resize(70);
  cases.push_back({"nt_xent_70_rows", {Loss::nt_xent, 0, 1, 60}, many, 70, 2.5f});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, LossKernels, ::testing::ValuesIn(kernel_loss_cases()),
                         [](const auto& info) { return info.param.name; });

class LearningKernels : public EmulationTest {};

// A row that is its own work's only one, rows at distance 0, and rows that tie.
TEST_F(LearningKernels, TripletWithoutPositivesAndWithEqualRows) {
  const LossCase c{"", {Loss::triplet, 0.5f, 1, 60}, {0, 0, 1, 2, 0, 1}, 2};
  const std::vector<float> z{1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1};
  const std::vector<float> result = same_in_every_order([&] { return run_loss(c, z); });
  // Rows of work 0: nearest other at sqrt(2), no loss. Rows 2 and 5: positive at 0, negative (row
  // 3) at 0: each 0.5, and no gradient. Row 3 has no positive.
  EXPECT_FLOAT_EQ(result[0], 1.0f / 6);
  for (const float g : std::span(result).subspan(1)) EXPECT_EQ(g, 0.0f);
}

TEST_F(LearningKernels, ContrastivePairAtDistanceZeroStays) {
  const LossCase c{"", {Loss::contrastive, 10, 4, 60}, {0, 1}, 2};
  const std::vector<float> result = same_in_every_order([&] { return run_loss(c, {1, 2, 1, 2}); });
  EXPECT_EQ(result[0], 400.0f);
  for (const float g : std::span(result).subspan(1)) EXPECT_EQ(g, 0.0f);
}

/// The norm, then weights and moments after three steps.
template <typename Real>
std::vector<Real> adam_by_definition(int count, const AdamParams& p, double rate) {
  const std::vector<float> start = random_values(count, 1, 1);
  std::vector<Real> w(start.begin(), start.end()), m(count, 0), v(count, 0);
  Real norm = 0;
  for (int step = 1; step <= 3; ++step) {
    const std::vector<float> g = random_values(count, 0.5f, std::uint64_t(step) + 10);
    Real square = 0;
    for (const float value : g) square += Real(value) * Real(value);
    norm = std::sqrt(square);
    const Real scale = p.clip > 0 && norm > Real(p.clip) ? Real(p.clip) / norm : Real(1);
    for (int i = 0; i < count; ++i) {
      const Real b1 = Real(p.beta1), b2 = Real(p.beta2), gi = Real(g[i]) * scale;
      m[i] = b1 * m[i] + (1 - b1) * gi;
      v[i] = b2 * v[i] + (1 - b2) * gi * gi;
      w[i] -= Real(float(rate)) * (m[i] / (1 - std::pow(b1, Real(step)))) /
              (std::sqrt(v[i] / (1 - std::pow(b2, Real(step)))) + Real(p.epsilon));
    }
  }
  std::vector<Real> all{norm};
  for (const auto* part : {&w, &m, &v}) all.insert(all.end(), part->begin(), part->end());
  return all;
}

std::vector<float> run_adam(int count, const AdamParams& p, double rate) {
  float* w = to_device(random_values(count, 1, 1));
  float* m = to_device(std::vector<float>(count, 0.0f));
  float* v = to_device(std::vector<float>(count, 0.0f));
  float* norm = device_array<float>(1);
  for (int step = 1; step <= 3; ++step) {
    kernels::adam({.weights = w,
                   .moment1 = m,
                   .moment2 = v,
                   .gradient = to_device(random_values(count, 0.5f, std::uint64_t(step) + 10)),
                   .count = count,
                   .params = p,
                   .step = to_device(std::vector<AdamStep>{AdamStep(p, rate, step)}),
                   .gradient_norm = norm},
                  nullptr);
  }
  std::vector<float> all = to_host(norm, 1);
  for (const float* part : {w, m, v}) {
    const std::vector<float> values = to_host(part, count);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST_F(LearningKernels, AdamEqualsThePaperWithAndWithoutClipping) {
  for (const float clip : {0.0f, 1.0f, 1e6f}) {
    AdamParams p;
    p.clip = clip;
    const int count = 1100;  // more than one value a thread
    const auto result = same_in_every_order([&] { return run_adam(count, p, 0.003); });
    const auto truth = adam_by_definition<double>(count, p, 0.003);
    const auto plain = adam_by_definition<float>(count, p, 0.003);
    for (int part = 0; part < 4; ++part) {
      const std::size_t first = part == 0 ? 0 : 1 + (part - 1) * std::size_t(count);
      const std::size_t size = part == 0 ? 1 : std::size_t(count);
      expect_close(std::span(result).subspan(first, size), std::span(truth).subspan(first, size),
                   std::span(plain).subspan(first, size), "part " + std::to_string(part));
    }
  }
}

template <typename Real>
std::vector<Real> unit_rows_by_definition(const std::vector<float>& values,
                                          const std::vector<float>& bias) {
  std::vector<Real> out;
  for (std::size_t row = 0; row < values.size(); row += bias.size()) {
    Real square = 0;
    for (std::size_t i = 0; i < bias.size(); ++i) {
      out.push_back(Real(values[row + i]) + Real(bias[i]));
      square += out.back() * out.back();
    }
    for (std::size_t i = 0; i < bias.size() && square > 0; ++i) out[row + i] /= std::sqrt(square);
  }
  return out;
}

TEST_F(LearningKernels, UnitRowsEqualTheDefinition) {
  const std::vector<float> bias = random_values(150, 1, 3);
  std::vector<float> values = random_values(3 * 150, 1, 4);
  for (int i = 0; i < 150; ++i) values[150 + i] = -bias[i];  // a row of zeros
  const auto result = same_in_every_order([&] {
    float* rows = to_device(values);
    kernels::unit_rows(rows, 3, 150, to_device(bias), nullptr);
    return to_host(rows, values.size());
  });
  expect_close(result, unit_rows_by_definition<double>(values, bias),
               unit_rows_by_definition<float>(values, bias), "rows");
}

}  // namespace
}  // namespace reprise::emulation
