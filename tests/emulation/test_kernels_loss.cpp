// The losses' kernels on rows that are alike (the other cases are in tests/ops/loss.h).
#include "../op_cases.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class LossKernels : public EmulationTest {};

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

// A row that is its own work's only one, rows at distance 0, and rows that tie.
TEST_F(LossKernels, TripletWithoutPositivesAndWithEqualRows) {
  const LossCase c{"", {Loss::triplet, 0.5f, 1, 60}, {0, 0, 1, 2, 0, 1}, 2};
  const std::vector<float> z{1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1};
  const std::vector<float> result = same_in_every_order([&] { return run_loss(c, z); });
  // Rows of work 0: nearest other at sqrt(2), no loss. Rows 2 and 5: positive at 0, negative (row
  // 3) at 0: each 0.5, and no gradient. Row 3 has no positive.
  EXPECT_FLOAT_EQ(result[0], 1.0f / 6);
  for (const float g : std::span(result).subspan(1)) EXPECT_EQ(g, 0.0f);
}

TEST_F(LossKernels, ContrastivePairAtDistanceZeroStays) {
  const LossCase c{"", {Loss::contrastive, 10, 4, 60}, {0, 1}, 2};
  const std::vector<float> result = same_in_every_order([&] { return run_loss(c, {1, 2, 1, 2}); });
  EXPECT_EQ(result[0], 400.0f);
  for (const float g : std::span(result).subspan(1)) EXPECT_EQ(g, 0.0f);
}

}  // namespace
}  // namespace reprise::emulation
