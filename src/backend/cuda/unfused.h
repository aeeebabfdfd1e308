#pragma once

#include <cstdint>
#include <memory>

#include "reprise/backend.h"

namespace reprise {

/// The CUDA back end with bigrams that go step by step through device memory: event convolution and
/// its filters' gradient by cuDNN, products over time by cuBLAS. A second opinion on the fused
/// kernels, and what they are measured against. Songs are taken in pieces of `values_at_once`
/// floats of scratch memory. Throws Error where this build or the machine has no device or no
/// cuDNN.
std::unique_ptr<Backend> make_unfused_cuda_backend(int device = 0, MathMode math = MathMode::tf32,
                                                   std::int64_t values_at_once = 1 << 28);

}  // namespace reprise
