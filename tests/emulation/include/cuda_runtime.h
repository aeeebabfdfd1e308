// Stand-in for the toolkit's cuda_runtime.h: lets unmodified kernels and the host code around them
// compile with a plain C++ compiler and run on the CPU, for tests.
#pragma once

#define REPRISE_CUDA_EMULATION 1

#include <tuple>
#include <type_traits>
#include <utility>

#include "emulation/runtime_types.h"
//
#include "emulation/device_functions.h"
#include "emulation/hooks.h"
#include "emulation/runtime_functions.h"

template <typename T>
cudaError_t cudaMalloc(T** pointer, size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), bytes);
}

template <typename T>
cudaError_t cudaMallocAsync(T** pointer, size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(pointer), bytes, stream);
}

template <typename T>
cudaError_t cudaMallocHost(T** pointer, size_t bytes, unsigned int flags = 0) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}

template <typename T>
cudaError_t cudaHostAlloc(T** pointer, size_t bytes, unsigned int flags) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}

template <typename Result, typename... Parameters>
cudaError_t cudaFuncSetAttribute(Result (*function)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(function), attribute, value);
}

namespace reprise::emulation {

template <typename T>
const void* pointer_argument(const T& value) {
  if constexpr (std::is_pointer_v<T>) return value;
  return nullptr;
}

}  // namespace reprise::emulation

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...),
                "kernel parameters are copied bytewise to the device");
  std::tuple<Parameters...> values(std::forward<Arguments>(arguments)...);
  std::vector<const void*> pointers = std::apply(
      [](const auto&... value) {
        return std::vector<const void*>{reprise::emulation::pointer_argument(value)...};
      },
      values);
  return reprise::emulation::launch_kernel({reinterpret_cast<const void*>(kernel), *config,
                                            [kernel, values] { std::apply(kernel, values); },
                                            std::move(pointers)});
}
