// Small kernels and helpers that the engine's own tests share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "device.h"
#include "emulation/engine.h"

namespace reprise::emulation {

/// Every test starts and ends with a fresh device.
class EmulationTest : public ::testing::Test {
 protected:
  void SetUp() override { fresh(); }
  void TearDown() override { fresh(); }

  static void fresh() {
    set_device_count(1);
    set_device_memory(std::size_t{2} << 30);
    set_schedule({});
    cudaDeviceReset();
  }
};

/// Device memory for `count` values, freed by cudaDeviceReset at the end of the test.
template <typename T>
T* device_array(std::size_t count) {
  T* pointer = nullptr;
  check(cudaMalloc(&pointer, count * sizeof(T)), "cudaMalloc");
  return pointer;
}

template <typename T>
T* to_device(const std::vector<T>& values) {
  T* pointer = device_array<T>(values.size());
  check(cudaMemcpy(pointer, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
        "cudaMemcpy");
  return pointer;
}

template <typename T>
std::vector<T> to_host(const T* pointer, std::size_t count) {
  std::vector<T> values(count);
  check(cudaMemcpy(values.data(), pointer, count * sizeof(T), cudaMemcpyDeviceToHost),
        "cudaMemcpy");
  return values;
}

/// The race detector needs one order only.
inline std::vector<Schedule> orders([[maybe_unused]] int seeds = 2) {
#ifdef __SANITIZE_THREAD__
  return {Schedule{}};
#else
  return schedules(seeds);
#endif
}

/// Device memory that starts at the alignment which cudaMalloc gives.
inline void* device_bytes(std::size_t bytes) {
  return device_array<unsigned char>(bytes);
}

/// Runs `work` under every schedule and expects the same bits each time.
template <typename Work>
std::vector<float> same_in_every_order(Work work) {
  std::vector<float> first;
  for (const Schedule& schedule : orders()) {
    SCOPED_TRACE(to_string(schedule));
    cudaDeviceReset();
    set_schedule(schedule);
    const std::vector<float> result = work();
    if (first.empty()) first = result;
    EXPECT_EQ(result, first);
  }
  return first;
}

/// The error's text when `work` throws, else an empty string.
template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline std::vector<float> ramp(int count, float step = 1) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<float>(i % 97) * step - 3;
  return values;
}

}  // namespace reprise::emulation

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)
