// Stands for the CUDA back end in builds that have none.

#include "reprise/backend.h"
#include "reprise/error.h"

namespace reprise {

std::unique_ptr<Backend> make_cuda_backend(int, MathMode) {
  throw MachineError("this build has no CUDA back end");
}

std::vector<std::string> cuda_devices() {
  throw MachineError("this build has no CUDA back end");
}

}  // namespace reprise
