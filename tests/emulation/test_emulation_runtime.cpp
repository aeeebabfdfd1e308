// The host side of the runtime: copies, streams, events, graphs, memory limits.
#include <numeric>

#include "test_kernels.h"

namespace reprise::emulation {
namespace {

using EmulationRuntime = EmulationTest;

__global__ void add_to(float* data, int count, float value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) data[i] += value;
}

cudaStream_t make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}

cudaEvent_t make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "cudaEventCreate");
  return event;
}

TEST_F(EmulationRuntime, AHostBufferReusedTooEarlyChangesTheResult) {
  const cudaStream_t stream = make_stream();
  float* data = device_array<float>(4);
  std::vector<float> buffer = {1, 2, 3, 4};
  check(cudaMemcpyAsync(data, buffer.data(), 16, cudaMemcpyHostToDevice, stream), "copy");
  buffer[0] = 9;  // too early: the copy has not run
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  EXPECT_EQ(to_host(data, 4)[0], 9);
  check(cudaMemcpyAsync(data, buffer.data(), 16, cudaMemcpyHostToDevice, stream), "copy");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  buffer[0] = 5;
  EXPECT_EQ(to_host(data, 4)[0], 9);
  cudaStreamDestroy(stream);
}

TEST_F(EmulationRuntime, OneStreamDoesNotWaitForAnotherUnlessTold) {
  const cudaStream_t first = make_stream(), second = make_stream();
  const cudaEvent_t event = make_event();
  float* data = to_device(std::vector<float>{0});
  std::vector<float> seen = {-1};
  launch(add_to, {.grid = 1, .block = 32, .stream = first}, data, 1, 1.f);
  check(cudaMemcpyAsync(seen.data(), data, 4, cudaMemcpyDeviceToHost, second), "copy");
  check(cudaStreamSynchronize(second), "cudaStreamSynchronize");
  EXPECT_EQ(seen[0], 0);  // no wait: the kernel has not run

  launch(add_to, {.grid = 1, .block = 32, .stream = first}, data, 1, 1.f);
  check(cudaEventRecord(event, first), "cudaEventRecord");
  check(cudaStreamWaitEvent(second, event), "cudaStreamWaitEvent");
  check(cudaMemcpyAsync(seen.data(), data, 4, cudaMemcpyDeviceToHost, second), "copy");
  check(cudaStreamSynchronize(second), "cudaStreamSynchronize");
  EXPECT_EQ(seen[0], 2);
  cudaEventDestroy(event);
  cudaStreamDestroy(first);
  cudaStreamDestroy(second);
}

TEST_F(EmulationRuntime, TheDefaultStreamWaitsForBlockingStreams) {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  float* data = to_device(std::vector<float>{0});
  launch(add_to, {.grid = 1, .block = 32, .stream = stream}, data, 1, 1.f);
  launch(add_to, {.grid = 1, .block = 32}, data, 1, 2.f);
  launch(add_to, {.grid = 1, .block = 32, .stream = stream}, data, 1, 4.f);
  EXPECT_EQ(to_host(data, 1)[0], 7);
  cudaStreamDestroy(stream);
}

TEST_F(EmulationRuntime, EventsAndPolling) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t start = make_event(), stop = make_event();
  float* data = to_device(std::vector<float>{0});
  check(cudaEventRecord(start, stream), "cudaEventRecord");
  launch(add_to, {.grid = 1, .block = 32, .stream = stream}, data, 1, 1.f);
  check(cudaEventRecord(stop, stream), "cudaEventRecord");
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  while (cudaEventQuery(stop) == cudaErrorNotReady) {
  }
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, stop), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  cudaEventDestroy(start);
  cudaEventDestroy(stop);
  cudaStreamDestroy(stream);
}

TEST_F(EmulationRuntime, AGraphRepeatsWhatWasCaptured) {
  const cudaStream_t stream = make_stream(), side = make_stream();
  const cudaEvent_t fork = make_event(), join = make_event();
  float* data = to_device(std::vector<float>{0, 0});
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t step = nullptr;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  launch(add_to, {.grid = 1, .block = 32, .stream = stream}, data, 1, 1.f);
  check(cudaEventRecord(fork, stream), "cudaEventRecord");
  check(cudaStreamWaitEvent(side, fork), "cudaStreamWaitEvent");
  launch(add_to, {.grid = 1, .block = 32, .stream = side}, data + 1, 1, 3.f);
  check(cudaEventRecord(join, side), "cudaEventRecord");
  check(cudaStreamWaitEvent(stream, join), "cudaStreamWaitEvent");
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  check(cudaGraphInstantiate(&step, graph), "cudaGraphInstantiate");
  EXPECT_EQ(to_host(data, 2), (std::vector<float>{0, 0}));  // capturing runs nothing
  for (int i = 0; i < 3; ++i) check(cudaGraphLaunch(step, stream), "cudaGraphLaunch");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  EXPECT_EQ(to_host(data, 2), (std::vector<float>{3, 9}));
  cudaGraphExecDestroy(step);
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaEventDestroy(join);
  cudaStreamDestroy(side);
  cudaStreamDestroy(stream);
}

TEST_F(EmulationRuntime, WhatACaptureForbids) {
  const cudaStream_t stream = make_stream(), side = make_stream();
  const cudaEvent_t fork = make_event();
  cudaGraph_t graph = nullptr;
  void* pointer = nullptr;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  EXPECT_EQ(cudaMalloc(&pointer, 16), cudaErrorStreamCaptureUnsupported);
  EXPECT_CONTAINS(last_report(), "cudaMalloc is not allowed while a stream captures");
  EXPECT_EQ(cudaEventRecord(fork, nullptr), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);

  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  check(cudaEventRecord(fork, stream), "cudaEventRecord");
  check(cudaStreamWaitEvent(side, fork), "cudaStreamWaitEvent");
  EXPECT_EQ(cudaStreamEndCapture(side, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnjoined);
  cudaEventDestroy(fork);
  cudaStreamDestroy(side);
  cudaStreamDestroy(stream);
}

TEST_F(EmulationRuntime, CopiesCheckBothSides) {
  float* data = device_array<float>(4);
  float host[8] = {};
  EXPECT_EQ(cudaMemcpy(data, host, 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_CONTAINS(last_report(), "the destination overruns: byte 0 of 16 bytes");
  EXPECT_EQ(cudaMemcpy(data, host, 16, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_CONTAINS(last_report(), "the source should be device memory and is host memory");
  EXPECT_EQ(cudaMemcpy(data, host, 16, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_CONTAINS(last_report(), "the destination should be host memory and is device memory");
  EXPECT_EQ(cudaMemcpy(data, host, 16, cudaMemcpyDefault), cudaSuccess);
}

TEST_F(EmulationRuntime, MemoryRunsOut) {
  set_device_memory(1 << 20);
  void *first = nullptr, *second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 900 << 10), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 200 << 10), cudaErrorMemoryAllocation);
  EXPECT_CONTAINS(last_report(), "out of device memory: 204800 bytes asked for, 126976 left");
  EXPECT_EQ(device_bytes_in_use(), std::size_t{900} << 10);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaFree(first), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMalloc(&second, 200 << 10), cudaSuccess);
}

TEST_F(EmulationRuntime, AMachineWithoutADevice) {
  set_device_count(0);
  int count = -1;
  void* pointer = nullptr;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(cudaMalloc(&pointer, 16), cudaErrorNoDevice);
}

TEST_F(EmulationRuntime, LaunchErrorsNameCallFileAndLine) {
  const std::string error =
      error_of([] { launch(add_to, {.grid = 0, .block = 1}, nullptr, 0, 0.f); });
  EXPECT_CONTAINS(error, "test_emulation_runtime.cpp:");
  EXPECT_CONTAINS(error, "cudaLaunchKernelEx: cudaErrorInvalidConfiguration");
}

TEST_F(EmulationRuntime, PageLockedMemoryMayBeAnArgument) {
  float* shared = nullptr;
  check(cudaMallocHost(&shared, 4 * sizeof(float)), "cudaMallocHost");
  for (int i = 0; i < 4; ++i) shared[i] = static_cast<float>(i);
  launch(add_to, {.grid = 1, .block = 32}, shared, 4, 10.f);
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  EXPECT_EQ(shared[3], 13);
  check(cudaFreeHost(shared), "cudaFreeHost");
}

}  // namespace
}  // namespace reprise::emulation
