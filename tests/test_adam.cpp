#include <gtest/gtest.h>

#include <cmath>

#include "reprise/backend.h"

namespace reprise {
namespace {

TEST(Adam, FirstStepMovesByTheRateAndClips) {
  std::vector<float> w{1, 1, 1}, m(3, 0), v(3, 0);
  const std::vector<float> gradient{3, -4, 0};
  AdamParams params;
  params.max_grad_norm = 1;
  const AdamStep step(params, 0.1, 1);
  float norm = 0;
  make_cpu_backend(1)->run(ops::Adam{.weights = w.data(),
                                     .moment1 = m.data(),
                                     .moment2 = v.data(),
                                     .gradient = gradient.data(),
                                     .count = 3,
                                     .params = params,
                                     .step = &step,
                                     .gradient_norm = &norm});
  EXPECT_FLOAT_EQ(norm, 5);
  EXPECT_FLOAT_EQ(m[0], 0.1f * 0.6f);  // the gradient scaled to norm 1
  EXPECT_NEAR(w[0], 0.9f, 1e-6);
  EXPECT_NEAR(w[1], 1.1f, 1e-6);
  EXPECT_EQ(w[2], 1.0f);
}

}  // namespace
}  // namespace reprise
