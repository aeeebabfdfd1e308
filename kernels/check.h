// Every call of the CUDA runtime is checked: one that fails throws an Error.
#pragma once

#include <cuda_runtime_api.h>

#include <source_location>
#include <string>

#include <reprise/error.h>

namespace reprise {

/// Throws an Error that names the call, its file and its line, unless the status is success.
inline void check(cudaError_t status, const char* call,
                  std::source_location where = std::source_location::current()) {
  if (status == cudaSuccess) return;
  throw MachineError(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " +
                     call + ": " + cudaGetErrorString(status));
}

}  // namespace reprise
