// The one emulated device: its memory, its streams, its errors. Every runtime call holds its lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device_heap.h"
#include "grid.h"
#include "stream.h"

namespace reprise::emulation {

class Device {
 public:
  static Device& get();

  std::recursive_mutex& mutex() { return mutex_; }
  DeviceHeap& heap() { return heap_; }
  StreamSet& streams() { return streams_; }

  /// Notes an error and its text for cudaGetLastError and last_report(), and returns it.
  cudaError_t error(cudaError_t code, const std::string& text = {});

  /// A kernel failed: as on a device, every later call fails too, until cudaDeviceReset().
  cudaError_t poisoned() const { return sticky_; }
  void poison_context(cudaError_t code) { sticky_ = code; }

  cudaError_t last_error(bool clear);
  const std::string& report() const { return report_; }

  cudaError_t run_kernel(const KernelLaunch& launch);
  void set_schedule(Schedule schedule) { schedule_ = schedule; }
  std::uint64_t kernels_run() const { return kernels_run_; }
  void reset();

  int count = 1;                              // devices to report, all with the one memory
  int current = 0;                            // which of them cudaSetDevice chose
  std::map<const void*, int> dynamic_shared;  // by kernel: what cudaFuncSetAttribute allowed
  std::map<const char*, std::size_t> pinned;  // page-locked host memory
  bool is_pinned(const void* address) const;

 private:
  Device();

  std::recursive_mutex mutex_;
  DeviceHeap heap_;
  StreamSet streams_;
  Grid grid_;
  Schedule schedule_;
  cudaError_t sticky_ = cudaSuccess;
  cudaError_t last_ = cudaSuccess;
  std::string report_;
  std::uint64_t kernels_run_ = 0;
};

/// The lock of every runtime call.
class Call {
 public:
  Call() : lock_(Device::get().mutex()) {}

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

}  // namespace reprise::emulation
