// Small kernels and helpers that the engine's own tests share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "../chroma_layouts.h"
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

inline ChromaView to_device(const ChromaLayout& layout) {
  ChromaView view = layout.view();
  const auto copy = [&]<typename T>(const T* data) {
    view.data = to_device(std::vector<T>(data, data + view.frames * view.stride));
  };
  if (view.type == ChromaType::uint8) {
    copy(static_cast<const std::uint8_t*>(view.data));
  } else {
    copy(static_cast<const float*>(view.data));
  }
  return view;
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

/// Expects the same bits of `work(view)` however the chroma [frames, 12 * bands] lies in memory.
template <typename Work>
void expect_same_in_every_layout(std::vector<float> chroma, int bands, Work work) {
  for (float& value : chroma) value = std::round(value * 255) * (1.0f / 255.0f);
  std::vector<float> first;
  for (const ChromaLayout& layout : chroma_layouts(chroma, bands)) {
    SCOPED_TRACE(layout.name());
    cudaDeviceReset();
    const std::vector<float> result = work(to_device(layout));
    if (first.empty()) first = result;
    EXPECT_EQ(result, first);
  }
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
