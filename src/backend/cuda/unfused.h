#pragma once

#include <memory>

#include "reprise/backend.h"

namespace reprise {

/// The CUDA back end with bigrams that go step by step through device memory: event convolution by
/// cuDNN, products over time by cuBLAS. A second opinion on the fused kernels, and what they are
/// measured against; it keeps nothing for a backward. Throws Error where this build or the machine
/// has no device or no cuDNN.
std::unique_ptr<Backend> make_unfused_cuda_backend(int device = 0,
                                                   Arithmetic arithmetic = Arithmetic::tf32);

}  // namespace reprise
