#include "backend/cuda/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "check.h"
#include "reprise/error.h"

namespace reprise::cuda {
namespace {

std::string size_text(std::size_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value < 1e9 ? fmt::format("{:.1f} MB", value * 1e-6)
                     : fmt::format("{:.2f} GB", value * 1e-9);
}

}  // namespace

DeviceMemory::DeviceMemory(const Stream& stream, std::size_t bytes)
    : stream_(stream.get()), bytes_(bytes) {
  if (bytes == 0) return;
  cudaError_t status = cudaMallocAsync(&data_, bytes, stream_);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // the device goes on
    stream.wait();       // what was given back may count as taken until then
    status = cudaMallocAsync(&data_, bytes, stream_);
  }
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t left = 0, all = 0;
    check(cudaMemGetInfo(&left, &all), "cudaMemGetInfo");
    throw OutOfMemory(
        fmt::format("out of device memory: {} were asked for, {} of {} are left: work on fewer or "
                    "shorter songs at once",
                    size_text(bytes), size_text(left), size_text(all)));
  }
  check(status, "cudaMallocAsync");
}

DeviceMemory::~DeviceMemory() {
  if (data_) cudaFreeAsync(data_, stream_);
}

PinnedMemory::PinnedMemory(std::size_t bytes) {
  check(cudaMallocHost(&data_, bytes), "cudaMallocHost");
}

PinnedMemory::~PinnedMemory() {
  if (data_) cudaFreeHost(data_);
}

void Staging::upload(const Stream& stream, void* to, const void* host, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    if (halves_[current_].used == kBytes) {
      current_ = 1 - current_;
      halves_[current_].read.wait();
      halves_[current_].used = 0;
    }
    Half& half = halves_[current_];
    const std::size_t count = std::min(bytes - done, kBytes - half.used);
    char* staged = static_cast<char*>(half.memory.data()) + half.used;
    std::memcpy(staged, static_cast<const char*>(host) + done, count);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, staged, count, cudaMemcpyHostToDevice,
                          stream.get()),
          "cudaMemcpyAsync");
    half.used += count;
    half.read.record(stream);
    done += count;
  }
}

void* Workspace::take(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (this->bytes() < bytes) {
    if (keep_ == Keep::last) pieces_.clear();
    pieces_.emplace_back(*stream_, bytes);
  }
  return pieces_.back().data();
}

}  // namespace reprise::cuda
