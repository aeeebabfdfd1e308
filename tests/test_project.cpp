#include <gtest/gtest.h>

#include <cmath>

#include "reprise/backend.h"

namespace reprise {
namespace {

TEST(Project, UnitVectorOfAnAffineMap) {
  const std::vector<float> in{1, 2}, weight{1, 0, 0, 1, 1, 1}, bias{2, 0, 0};
  std::vector<float> out(3);
  make_cpu_backend(1)->run(ops::Project{.in = in.data(),
                                        .rows = 1,
                                        .in_dims = 2,
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .out_dims = 3,
                                        .out = out.data()});
  const double norm = std::sqrt(9.0 + 4 + 9);  // (3, 2, 3)
  EXPECT_NEAR(out[0], 3 / norm, 1e-6);
  EXPECT_NEAR(out[1], 2 / norm, 1e-6);
  EXPECT_NEAR(out[2], 3 / norm, 1e-6);
}

TEST(Project, ARowOfZerosStays) {
  const std::vector<float> in{1}, weight{2, -1}, bias{-2, 1};
  std::vector<float> out(2, 7.0f);
  make_cpu_backend(1)->run(ops::Project{.in = in.data(),
                                        .rows = 1,
                                        .in_dims = 1,
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .out_dims = 2,
                                        .out = out.data()});
  EXPECT_EQ(out, (std::vector<float>{0, 0}));
}

TEST(Project, RefusesANegativeNumberOfRows) {
  try {
    make_cpu_backend(1)->run(ops::Project{.rows = -1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "an op's rows: expected 0 or more, found -1");
  }
}

}  // namespace
}  // namespace reprise
