// The one header that every kernel includes, and the only one that knows whether a kernel is built
// by nvcc or, for the tests, by the host compiler against tests/emulation.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <source_location>
#include <type_traits>
#include <utility>

#include "check.h"

// REPRISE_SHARED(float, tile, [4][8]) declares a static shared array `float tile[4][8]`, and
// REPRISE_DYNAMIC_SHARED(float, tile) a `float* tile` to the block's dynamic shared memory. Both
// are aligned for tensor-core tiles. `extern __shared__` has no host counterpart, hence the macros.
#ifdef REPRISE_CUDA_EMULATION

#define REPRISE_SHARED(type, name, extents)                                       \
  static const char name##_identity = 0; /* one address for each instantiation */ \
  using name##_array = type extents;                                              \
  auto& name = *static_cast<name##_array*>(                                       \
      ::reprise::emulation::static_shared(&name##_identity, sizeof(name##_array), 32))
#define REPRISE_DYNAMIC_SHARED(type, name) \
  type* name = static_cast<type*>(::reprise::emulation::dynamic_shared())

#else

#define REPRISE_SHARED(type, name, extents) __shared__ alignas(32) type name extents
#define REPRISE_DYNAMIC_SHARED(type, name)                                 \
  extern __shared__ __align__(128) unsigned char reprise_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(reprise_dynamic_shared)

#endif

namespace reprise {

inline constexpr int kWarpThreads = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// How a kernel is launched.
struct LaunchConfig {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  // dynamic shared memory of a block
  cudaStream_t stream = nullptr;
  std::source_location where = std::source_location::current();  // named in errors
};

/// Launches `kernel(arguments...)`, asking first for more than 48 KiB of dynamic shared memory
/// where the configuration needs it.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), const LaunchConfig& config, Arguments&&... arguments) {
  constexpr std::size_t kWithoutAsking = 48 << 10;
  if (config.shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(config.shared_bytes)),
          "cudaFuncSetAttribute", config.where);
  }
  cudaLaunchConfig_t native{};
  native.gridDim = config.grid;
  native.blockDim = config.block;
  native.dynamicSmemBytes = config.shared_bytes;
  native.stream = config.stream;
  check(cudaLaunchKernelEx(&native, kernel, std::forward<Arguments>(arguments)...),
        "cudaLaunchKernelEx", config.where);
}

}  // namespace reprise
