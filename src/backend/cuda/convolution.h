#pragma once

#include <cudnn.h>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <utility>
#include <vector>

#include "backend/cuda/stream.h"

namespace reprise::cuda {

/// Throws an Error that names the call, its file and its line, unless the status is success.
void check(cudnnStatus_t status, const char* call,
           std::source_location where = std::source_location::current());

/// A descriptor of cuDNN's graph interface.
class DnnDescriptor {
 public:
  explicit DnnDescriptor(cudnnBackendDescriptorType_t type);
  DnnDescriptor(DnnDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  DnnDescriptor& operator=(DnnDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~DnnDescriptor();

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values, std::source_location where = std::source_location::current()) const;
  /// Writes up to `most` values; returns how many there are.
  std::int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                   std::int64_t most, void* values,
                   std::source_location where = std::source_location::current()) const;
  void finalize(std::source_location where = std::source_location::current()) const;

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

/// cuDNN on a stream, which must outlive it.
class Dnn {
 public:
  explicit Dnn(const Stream& stream);
  Dnn(Dnn&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Dnn& operator=(Dnn&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Dnn();

  cudnnHandle_t get() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

/// What a convolution computes of the other two: responses, or what a loss's gradient with respect
/// to responses makes of that with respect to filters, summed over the songs.
enum class ConvolutionResult { responses, filter_gradient };

/// How cuDNN calls that operation and its parts.
struct OperationNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t signal, filter, response, convolution, alpha, beta;
};
const OperationNames& names_of(ConvolutionResult result);

/// Responses [songs, frames - length + 1, filters] of filters [filters, length, channels] to
/// signals [songs, frames, channels], all row-major.
struct ConvolutionShape {
  std::int64_t songs, frames, channels, filters, length;
  ConvolutionResult result = ConvolutionResult::responses;
  bool operator==(const ConvolutionShape&) const = default;
};

/// A convolution as cuDNN is told of it; the graph, and what it is made of. `handle` may be null
/// where no device is at hand: such a graph can be checked, but not be run by cuDNN before 9.19.
class ConvolutionGraph {
 public:
  ConvolutionGraph(const ConvolutionShape& shape, cudnnHandle_t handle);
  const DnnDescriptor& get() const { return parts_.back(); }

  static constexpr std::int64_t kSignal = 1, kFilter = 2, kResponse = 3;  // the tensors' numbers

 private:
  std::vector<DnnDescriptor> parts_;
};

/// A convolution in the way that cuDNN's heuristics put first of those that give the same bits in
/// every run.
class Convolution {
 public:
  /// `exact`: in fp32, by no way that rounds the operands or transforms them.
  Convolution(const Dnn& dnn, const ConvolutionShape& shape, bool exact);

  const ConvolutionShape& shape() const { return shape_; }
  std::size_t workspace_bytes() const { return workspace_bytes_; }
  /// Device memory all. operand: filters, or gradients of responses; workspace: workspace_bytes().
  void run(const float* signals, const float* operand, float* result, void* workspace) const;

 private:
  cudnnHandle_t handle_;
  ConvolutionShape shape_;
  ConvolutionGraph graph_;
  DnnDescriptor plan_;
  std::size_t workspace_bytes_ = 0;
};

}  // namespace reprise::cuda
