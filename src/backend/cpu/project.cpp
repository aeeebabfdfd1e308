#include <cmath>

#include "backend/cpu/gemm.h"
#include "backend/cpu/run.h"

namespace reprise::cpu {

void run(const ops::Project& op, const Context& context) {
  gemm(true, op.rows, op.out_dims, op.in_dims, op.in, op.weight, op.out, context.threads);
  parallel_for(op.rows, context.threads, [&](std::int64_t row, int) {
    float* v = op.out + row * op.out_dims;
    double square = 0;
    for (int i = 0; i < op.out_dims; ++i) {
      v[i] += op.bias[i];
      square += double{v[i]} * double{v[i]};
    }
    const auto norm = static_cast<float>(std::sqrt(square));
    if (norm > 0)
      for (int i = 0; i < op.out_dims; ++i) v[i] /= norm;
  });
}

}  // namespace reprise::cpu
