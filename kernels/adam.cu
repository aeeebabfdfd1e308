// Adam (Kingma & Ba 2015), the gradient's norm and its clipping included. All weights are a few
// thousand: one block takes them, and one launch the whole step.
#include "device.h"
#include "launch.h"
#include "reduce.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 1024;

// weights, moment1, moment2, gradient [count].
__global__ void __launch_bounds__(kThreads)
    update(float* weights, float* moment1, float* moment2, const float* gradient, int count,
           AdamParams p, const AdamStep* step, float* gradient_norm) {
  REPRISE_SHARED(float, partial, [kWarpThreads]);
  float square = 0;
  for (int i = threadIdx.x; i < count; i += kThreads) square += gradient[i] * gradient[i];
  const float norm = sqrtf(block_sum(square, partial));
  if (threadIdx.x == 0) *gradient_norm = norm;
  const float scale = p.max_grad_norm > 0 && norm > p.max_grad_norm ? p.max_grad_norm / norm : 1.f;
  const AdamStep now = *step;
  for (int i = threadIdx.x; i < count; i += kThreads) {
    const float g = gradient[i] * scale;
    const float mean = p.beta1 * moment1[i] + (1 - p.beta1) * g;
    const float power = p.beta2 * moment2[i] + (1 - p.beta2) * g * g;
    moment1[i] = mean;
    moment2[i] = power;
    weights[i] -= now.rate * (mean * now.correct1) / (sqrtf(power * now.correct2) + p.epsilon);
  }
}

}  // namespace

void adam(const ops::Adam& op, cudaStream_t stream) {
  launch(update, {.grid = 1, .block = kThreads, .stream = stream}, op.weights, op.moment1,
         op.moment2, op.gradient, static_cast<int>(op.count), op.params, op.step, op.gradient_norm);
}

}  // namespace reprise::kernels
