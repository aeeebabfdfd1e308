#pragma once

#include <span>

#include "reprise/params.h"

namespace reprise {

/// Shares values between each kernel's 12 filters, which are its rotations: each value of `weights`
/// [at least the filters and biases] becomes its mean over them. The same map takes the gradient of
/// the filters to that of the kernels.
void tie_rotations(const BigramParams& params, std::span<float> weights);

}  // namespace reprise
