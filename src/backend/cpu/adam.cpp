#include <cmath>

#include "backend/cpu/ops.h"

namespace reprise::cpu {

void adam(float* weights, float* moment1, float* moment2, const float* gradient, std::int64_t count,
          const AdamParams& params, const AdamStep& step, float* gradient_norm) {
  double square = 0;
  for (std::int64_t i = 0; i < count; ++i) square += double{gradient[i]} * double{gradient[i]};
  const double norm = std::sqrt(square);
  *gradient_norm = static_cast<float>(norm);
  const float scale =
      params.clip > 0 && norm > params.clip ? static_cast<float>(params.clip / norm) : 1.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * scale;
    moment1[i] = params.beta1 * moment1[i] + (1 - params.beta1) * g;
    moment2[i] = params.beta2 * moment2[i] + (1 - params.beta2) * g * g;
    weights[i] -= step.rate * (moment1[i] * step.correct1) /
                  (std::sqrt(moment2[i] * step.correct2) + params.epsilon);
  }
}

}  // namespace reprise::cpu
