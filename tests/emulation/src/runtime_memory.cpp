// The runtime API: memory and copies.
#include <cstdlib>
#include <cstring>

#include "device.h"
#include "handles.h"
//
#include "emulation/runtime_functions.h"

namespace {

using namespace reprise::emulation;

constexpr std::size_t kPinnedAlignment = 4096;

cudaError_t capture_forbids(const char* call) {
  Device& device = Device::get();
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  if (!device.streams().capturing_strictly()) return cudaSuccess;
  return device.error(cudaErrorStreamCaptureUnsupported,
                      std::string(call) + " is not allowed while a stream captures");
}

/// One side of a copy: must be device memory, or must not be.
cudaError_t check_side(const char* side, const void* address, std::size_t bytes, bool on_device) {
  Device& device = Device::get();
  const DeviceHeap& heap = device.heap();
  const std::string where = std::string("copy: the ") + side;
  if (on_device && !heap.holds(address, bytes)) {
    const std::string what = heap.owns(address) ? " overruns: " + heap.describe(address)
                                                : " should be device memory and is host memory";
    return device.error(cudaErrorInvalidValue, where + what);
  }
  if (!on_device && heap.owns(address)) {
    return device.error(cudaErrorInvalidValue,
                        where + " should be host memory and is device memory");
  }
  return cudaSuccess;
}

cudaError_t check_copy(const void* dst, const void* src, std::size_t bytes, cudaMemcpyKind kind) {
  Device& device = Device::get();
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return device.error(cudaErrorInvalidMemcpyDirection);
  }
  const bool by_address = kind == cudaMemcpyDefault;
  const bool to = by_address ? device.heap().owns(dst)
                             : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from = by_address ? device.heap().owns(src)
                               : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const cudaError_t status = check_side("destination", dst, bytes, to);
  return status != cudaSuccess ? status : check_side("source", src, bytes, from);
}

}  // namespace

cudaError_t cudaMalloc(void** devPtr, size_t size) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  if (devPtr == nullptr) return device.error(cudaErrorInvalidValue);
  if (const cudaError_t status = capture_forbids("cudaMalloc")) return status;
  *devPtr = size == 0 ? nullptr : device.heap().allocate(size);
  if (size != 0 && *devPtr == nullptr) {
    return device.error(cudaErrorMemoryAllocation,
                        "out of device memory: " + std::to_string(size) + " bytes asked for, " +
                            std::to_string(device.heap().capacity() - device.heap().in_use()) +
                            " left");
  }
  return cudaSuccess;
}

cudaError_t cudaFree(void* devPtr) {
  const Call call;
  Device& device = Device::get();
  if (devPtr == nullptr) return cudaSuccess;
  if (const cudaError_t status = capture_forbids("cudaFree")) return status;
  if (const cudaError_t status = device.streams().run_all()) return status;  // cudaFree waits
  if (device.heap().release(devPtr)) return cudaSuccess;
  return device.error(cudaErrorInvalidValue, "cudaFree: not the start of live device memory");
}

cudaError_t cudaMallocAsync(void** devPtr, size_t size, cudaStream_t hStream) {
  const Call call;
  if (stream_of(hStream)->capture != nullptr) {
    return Device::get().error(cudaErrorNotSupported,
                               "the emulation has no allocation inside a captured graph");
  }
  return cudaMalloc(devPtr, size);
}

cudaError_t cudaFreeAsync(void* devPtr, cudaStream_t hStream) {
  const Call call;
  Device& device = Device::get();
  const auto& stream = stream_of(hStream);
  if (stream->capture != nullptr) {
    return device.error(cudaErrorNotSupported,
                        "the emulation has no allocation inside a captured graph");
  }
  return device.error(device.streams().issue(stream, [&device, devPtr] {
    if (device.heap().release(devPtr)) return cudaSuccess;
    return device.error(cudaErrorInvalidValue,
                        "cudaFreeAsync: not the start of live device memory");
  }));
}

// The device's one pool keeps no memory that is not in use, whatever its threshold.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* memPool, int index) {
  const Call call;
  Device& device = Device::get();
  if (index < 0 || index >= device.count) return device.error(cudaErrorInvalidDevice);
  *memPool = reinterpret_cast<cudaMemPool_t>(&device);
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t memPool, cudaMemPoolAttr attr, void*) {
  const Call call;
  Device& device = Device::get();
  const bool valid = memPool == reinterpret_cast<cudaMemPool_t>(&device);
  return valid && attr == cudaMemPoolAttrReleaseThreshold ? cudaSuccess
                                                          : device.error(cudaErrorInvalidValue);
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t memPool, cudaMemPoolAttr attr, void* value) {
  const Call call;
  Device& device = Device::get();
  const bool current =
      attr == cudaMemPoolAttrReservedMemCurrent || attr == cudaMemPoolAttrUsedMemCurrent;
  if (memPool != reinterpret_cast<cudaMemPool_t>(&device) || !current) {
    return device.error(cudaErrorInvalidValue);
  }
  const std::uint64_t bytes = device.heap().in_use();
  std::memcpy(value, &bytes, sizeof(bytes));
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** pHost, size_t size, unsigned int) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  if (pHost == nullptr) return device.error(cudaErrorInvalidValue);
  *pHost = nullptr;
  if (size == 0) return cudaSuccess;
  *pHost = std::aligned_alloc(kPinnedAlignment,
                              (size + kPinnedAlignment - 1) / kPinnedAlignment * kPinnedAlignment);
  if (*pHost == nullptr) return device.error(cudaErrorMemoryAllocation);
  device.pinned.emplace(static_cast<const char*>(*pHost), size);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** ptr, size_t size) {
  return cudaHostAlloc(ptr, size, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* ptr) {
  const Call call;
  Device& device = Device::get();
  if (ptr == nullptr) return cudaSuccess;
  if (const cudaError_t status = device.streams().run_all()) return status;
  if (device.pinned.erase(static_cast<const char*>(ptr)) == 0) {
    return device.error(cudaErrorInvalidValue, "cudaFreeHost: not page-locked memory");
  }
  std::free(ptr);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  *total = device.heap().capacity();
  *free = *total - device.heap().in_use();
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* ptr) {
  const Call call;
  Device& device = Device::get();
  if (attributes == nullptr) return device.error(cudaErrorInvalidValue);
  void* address = const_cast<void*>(ptr);
  if (device.heap().find(ptr) != nullptr) {
    *attributes = {cudaMemoryTypeDevice, 0, address, nullptr};
  } else if (device.is_pinned(ptr)) {
    *attributes = {cudaMemoryTypeHost, 0, address, address};
  } else {
    *attributes = {cudaMemoryTypeUnregistered, -1, nullptr, address};
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return cudaMemcpy2DAsync(dst, count, src, count, count, 1, kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* dst, size_t dpitch, const void* src, size_t spitch,
                              size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  const Call call;
  Device& device = Device::get();
  if (width == 0 || height == 0) return device.poisoned();
  if (dpitch < width || spitch < width) {
    return device.error(cudaErrorInvalidValue, "copy: a row pitch is less than the row's width");
  }
  for (std::size_t row = 0; row < height; ++row) {
    const cudaError_t status =
        check_copy(static_cast<char*>(dst) + row * dpitch,
                   static_cast<const char*>(src) + row * spitch, width, kind);
    if (status != cudaSuccess) return status;
  }
  return device.error(device.streams().issue(stream_of(stream), [=, &device] {
    const HeapOpen open(device.heap());
    for (std::size_t row = 0; row < height; ++row) {
      std::memcpy(static_cast<char*>(dst) + row * dpitch,
                  static_cast<const char*>(src) + row * spitch, width);
    }
    return cudaSuccess;
  }));
}

cudaError_t cudaMemsetAsync(void* devPtr, int value, size_t count, cudaStream_t stream) {
  const Call call;
  Device& device = Device::get();
  if (count == 0) return device.poisoned();
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  if (const cudaError_t status = check_side("destination", devPtr, count, true)) return status;
  return device.error(device.streams().issue(stream_of(stream), [=, &device] {
    const HeapOpen open(device.heap());
    std::memset(devPtr, value, count);
    return cudaSuccess;
  }));
}

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
  const Call call;
  if (const cudaError_t status = capture_forbids("cudaMemcpy")) return status;
  if (const cudaError_t status = cudaMemcpyAsync(dst, src, count, kind, nullptr)) return status;
  return cudaStreamSynchronize(nullptr);
}

cudaError_t cudaMemset(void* devPtr, int value, size_t count) {
  const Call call;
  if (const cudaError_t status = capture_forbids("cudaMemset")) return status;
  if (const cudaError_t status = cudaMemsetAsync(devPtr, value, count, nullptr)) return status;
  return cudaStreamSynchronize(nullptr);
}
