// The runtime API: errors, devices, kernel attributes and launches.
#include <algorithm>
#include <cstdio>

#include "device.h"
#include "handles.h"
#include "symbol.h"
//
#include "emulation/runtime_functions.h"

using namespace reprise::emulation;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidMemcpyDirection:
      return "cudaErrorInvalidMemcpyDirection";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported:
      return "cudaErrorNotSupported";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureUnmatched:
      return "cudaErrorStreamCaptureUnmatched";
    case cudaErrorStreamCaptureUnjoined:
      return "cudaErrorStreamCaptureUnjoined";
    case cudaErrorStreamCaptureImplicit:
      return "cudaErrorStreamCaptureImplicit";
    case cudaErrorUnknown:
      return "cudaErrorUnknown";
  }
  return "unrecognized error code";
}

// The text of the last report stands in for the toolkit's fixed sentence, so that it reaches the
// user by the way that a device's error would.
const char* cudaGetErrorString(cudaError_t error) {
  const Call call;
  static thread_local std::string text;
  text = cudaGetErrorName(error);
  const std::string& report = Device::get().report();
  if (error != cudaSuccess && !report.empty()) text += ": " + report;
  return text.c_str();
}

cudaError_t cudaGetLastError() {
  const Call call;
  return Device::get().last_error(true);
}

cudaError_t cudaPeekAtLastError() {
  const Call call;
  return Device::get().last_error(false);
}

cudaError_t cudaGetDeviceCount(int* count) {
  const Call call;
  Device& device = Device::get();
  *count = device.count;
  return device.count > 0 ? cudaSuccess : device.error(cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
  const Call call;
  *device = Device::get().current;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
  const Call call;
  Device& device = Device::get();
  if (index < 0 || index >= device.count) return device.error(cudaErrorInvalidDevice);
  device.current = index;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int index) {
  const Call call;
  Device& device = Device::get();
  if (index < 0 || index >= device.count) return device.error(cudaErrorInvalidDevice);
  *prop = {};
  std::snprintf(prop->name, sizeof(prop->name), "CUDA emulation on the host");
  prop->totalGlobalMem = device.heap().capacity();
  prop->sharedMemPerBlock = kSharedBytes;
  prop->sharedMemPerBlockOptin = kSharedBytesOptIn;
  prop->warpSize = kWarp;
  prop->maxThreadsPerBlock = kMaxThreads;
  prop->multiProcessorCount = kMultiprocessors;
  prop->major = 8;
  prop->minor = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int index) {
  const Call call;
  Device& device = Device::get();
  if (index < 0 || index >= device.count) return device.error(cudaErrorInvalidDevice);
  switch (attr) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = kMaxThreads;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = kSharedBytes;
      return cudaSuccess;
    case cudaDevAttrWarpSize:
      *value = kWarp;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = kMultiprocessors;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 8;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kSharedBytesOptIn;
      return cudaSuccess;
  }
  return device.error(cudaErrorNotSupported, "the emulation does not know this attribute");
}

cudaError_t cudaDriverGetVersion(int* version) {
  const Call call;
  *version = Device::get().count > 0 ? CUDART_VERSION : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceReset() {
  const Call call;
  Device::get().reset();
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* func, cudaFuncAttribute attr, int value) {
  const Call call;
  Device& device = Device::get();
  if (attr == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;  // a hint
  if (attr != cudaFuncAttributeMaxDynamicSharedMemorySize) {
    return device.error(cudaErrorNotSupported, "the emulation does not know this attribute");
  }
  if (value < 0 || static_cast<std::size_t>(value) > kSharedBytesOptIn) {
    return device.error(cudaErrorInvalidValue, "more shared memory than a block can have");
  }
  device.dynamic_shared[func] = value;
  return cudaSuccess;
}

namespace reprise::emulation {
namespace {

/// What is wrong with the launch, in words; empty if nothing is.
std::string flaw(const Device& device, const KernelLaunch& launch) {
  const dim3 grid = launch.config.gridDim, block = launch.config.blockDim;
  const auto threads = std::uint64_t{block.x} * block.y * block.z;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || threads == 0) return "an empty grid or block";
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) return "a grid past the limits";
  if (threads > kMaxThreads || block.z > 64) {
    return "a block of " + std::to_string(threads) + " threads";
  }
  const auto allowed = device.dynamic_shared.find(launch.function);
  const std::size_t limit = allowed == device.dynamic_shared.end()
                                ? kSharedBytes
                                : std::max<std::size_t>(allowed->second, kSharedBytes);
  if (launch.config.dynamicSmemBytes > limit) {
    return std::to_string(launch.config.dynamicSmemBytes) +
           " bytes of dynamic shared memory where " + std::to_string(limit) + " are allowed";
  }
  return {};
}

}  // namespace

cudaError_t launch_kernel(KernelLaunch launch) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  const std::string name = "kernel " + kernel_name(launch.function);
  if (launch.config.numAttrs != 0) {
    return device.error(cudaErrorNotSupported, name + ": launch attributes are not emulated");
  }
  if (const std::string text = flaw(device, launch); !text.empty()) {
    return device.error(cudaErrorInvalidConfiguration, name + ": " + text);
  }
  for (std::size_t i = 0; i < launch.pointers.size(); ++i) {
    const void* pointer = launch.pointers[i];
    if (pointer == nullptr || device.heap().find(pointer) != nullptr || device.is_pinned(pointer)) {
      continue;
    }
    return device.error(cudaErrorInvalidValue,
                        name + ": argument " + std::to_string(i) +
                            (device.heap().owns(pointer) ? " is device memory that is not live"
                                                         : " is a host pointer"));
  }
  const cudaStream_t stream = launch.config.stream;
  return device.error(device.streams().issue(
      stream_of(stream),
      [&device, launch = std::move(launch)] { return device.run_kernel(launch); }));
}

}  // namespace reprise::emulation
