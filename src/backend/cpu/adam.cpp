#include <cmath>
#include "backend/cpu/run.h"

namespace reprise::cpu {

void run(const ops::Adam& op, const Context&) {
  const AdamParams& params = op.params;
  const AdamStep& step = *op.step;
  double square = 0;
  for (std::int64_t i = 0; i < op.count; ++i)
    square += double{op.gradient[i]} * double{op.gradient[i]};
  const double norm = std::sqrt(square);
  *op.gradient_norm = static_cast<float>(norm);
  const float scale = params.max_grad_norm > 0 && norm > params.max_grad_norm
                          ? static_cast<float>(params.max_grad_norm / norm)
                          : 1.0f;
  for (std::int64_t i = 0; i < op.count; ++i) {
    const float g = op.gradient[i] * scale;
    float& m = op.moment1[i];
    float& v = op.moment2[i];
    m = params.beta1 * m + (1 - params.beta1) * g;
    v = params.beta2 * v + (1 - params.beta2) * g * g;
    op.weights[i] -=
        step.rate * (m * step.correct1) / (std::sqrt(v * step.correct2) + params.epsilon);
  }
}

}  // namespace reprise::cpu
