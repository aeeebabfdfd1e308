#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "backend/cuda/stream.h"

namespace reprise::cuda {

/// Device memory, taken and given back in the order of a stream. Throws OutOfMemory that says what
/// was asked for and what is left where the device has not that much.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const Stream& stream, std::size_t bytes);
  DeviceMemory(DeviceMemory&& other) noexcept
      : stream_(other.stream_),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(stream_, other.stream_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceMemory();

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Leaves the memory to the caller.
  void* release() { return std::exchange(data_, nullptr); }

 private:
  cudaStream_t stream_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Page-locked host memory, which the device copies from and to by itself.
class PinnedMemory {
 public:
  explicit PinnedMemory(std::size_t bytes);
  PinnedMemory(PinnedMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~PinnedMemory();

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

/// Copies to the device that do not keep the caller waiting: host memory is copied to page-locked
/// memory first, and may be used again at once.
class Staging {
 public:
  Staging() = default;

  void upload(const Stream& stream, void* to, const void* host, std::size_t bytes);

 private:
  // Two halves: one is filled while the device reads the other.
  struct Half {
    PinnedMemory memory{kBytes};
    std::size_t used = 0;
    Event read;  // by the device, all that was copied
  };
  static constexpr std::size_t kBytes = std::size_t{4} << 20;

  Half halves_[2];
  int current_ = 0;
};

/// Scratch memory of the ops of one stream, which use it one after another.
class Workspace {
 public:
  /// What take() gave before: captured ops need it where it was, to run again.
  enum class Keep { last, all };

  /// `stream`: whose order memory is taken in; must outlive the workspace.
  explicit Workspace(const Stream& stream, Keep keep = Keep::last)
      : stream_(&stream), keep_(keep) {}

  /// At least `bytes`, for one op; null where bytes is 0. Aligned to 256 bytes.
  void* take(std::size_t bytes);

  /// What take() gives without asking the device for more.
  std::size_t bytes() const { return pieces_.empty() ? 0 : pieces_.back().bytes(); }

 private:
  const Stream* stream_;
  Keep keep_;
  std::vector<DeviceMemory> pieces_;  // each larger than the one before
};

}  // namespace reprise::cuda
