// Stands for the unfused path in builds without cuDNN.

#include "backend/cuda/unfused.h"
#include "reprise/error.h"

namespace reprise {

std::unique_ptr<Backend> make_unfused_cuda_backend(int, MathMode, std::int64_t) {
  throw MachineError("this build has no unfused path: cuDNN was not found when it was configured");
}

}  // namespace reprise
