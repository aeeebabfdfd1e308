#include "device.h"

#include <cstdlib>

#include "fault.h"
#include "symbol.h"

namespace reprise::emulation {

Device& Device::get() {
  static Device device;
  return device;
}

Device::Device() {
  report_faults();
  if (const char* devices = std::getenv("EMULATED_DEVICES")) count = std::atoi(devices);
  if (const char* bytes = std::getenv("EMULATED_MEMORY"))
    heap_.set_capacity(std::strtoull(bytes, nullptr, 10));
}

cudaError_t Device::error(cudaError_t code, const std::string& text) {
  if (code == cudaSuccess) return code;
  last_ = code;
  if (!text.empty()) report_ = text;
  return code;
}

cudaError_t Device::last_error(bool clear) {
  if (sticky_ != cudaSuccess) return sticky_;
  const cudaError_t code = last_;
  if (clear) last_ = cudaSuccess;
  return code;
}

bool Device::is_pinned(const void* address) const {
  const char* target = static_cast<const char*>(address);
  auto it = pinned.upper_bound(target);
  if (it == pinned.begin()) return false;
  --it;
  return target < it->first + it->second;
}

cudaError_t Device::run_kernel(const KernelLaunch& launch) {
  ++kernels_run_;
  const std::string name = kernel_name(launch.function);
  HeapOpen open(heap_);
  std::string report = grid_.run(launch, name, schedule_);
  if (report.empty()) {
    report = heap_.overrun();
    if (!report.empty()) report = "kernel " + name + ": " + report;
  }
  if (report.empty()) return cudaSuccess;
  poison_context(cudaErrorLaunchFailure);
  return error(cudaErrorLaunchFailure, report);
}

void Device::reset() {
  streams_.drop_all();
  heap_.release_all();
  dynamic_shared.clear();
  sticky_ = last_ = cudaSuccess;
  report_.clear();
}

// The test's controls (emulation/engine.h)

std::string to_string(Schedule schedule) {
  const std::string seed = ", seed " + std::to_string(schedule.seed);
  switch (schedule.order) {
    case Order::in_order:
      return "in order";
    case Order::reverse:
      return "reverse";
    case Order::random:
      return "random" + seed;
    case Order::warp_skew:
      return "warp skew" + seed;
  }
  return "unknown";
}

std::vector<Schedule> schedules(int seeds) {
  std::vector<Schedule> all = {{Order::in_order, 0}, {Order::reverse, 0}};
  for (int seed = 1; seed <= seeds; ++seed) {
    all.push_back({Order::random, static_cast<std::uint64_t>(seed)});
    all.push_back({Order::warp_skew, static_cast<std::uint64_t>(seed)});
  }
  return all;
}

void set_schedule(Schedule schedule) {
  const Call call;
  Device::get().set_schedule(schedule);
}

std::string last_report() {
  const Call call;
  return Device::get().report();
}

void set_device_memory(std::size_t bytes) {
  const Call call;
  Device::get().heap().set_capacity(bytes);
}

void set_device_count(int count) {
  const Call call;
  Device& device = Device::get();
  device.count = count;
  device.current = 0;
}

std::size_t device_bytes_in_use() {
  const Call call;
  return Device::get().heap().in_use();
}

std::uint64_t kernels_run() {
  const Call call;
  return Device::get().kernels_run();
}

}  // namespace reprise::emulation
