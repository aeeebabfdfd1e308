// Convolution through the graph interface of cuDNN: descriptors of tensors, of the operation and of
// a graph that holds it; the library's proposals for that graph; the first of them that it can make
// a plan of.

#include "backend/cuda/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reprise/error.h"

namespace reprise::cuda {
namespace {

constexpr std::int64_t kAlignment = 16;  // bytes, of every tensor
constexpr std::int64_t kProposals = 16;  // of a heuristic that are looked at

// Height is time, width is 1, and channels lie innermost. dims: songs or filters, channels, height.
DnnDescriptor tensor(std::int64_t number, std::array<std::int64_t, 3> dims) {
  const auto [count, channels, height] = dims;
  const std::int64_t extents[] = {count, channels, height, 1};
  const std::int64_t strides[] = {height * channels, 1, channels, channels};
  const cudnnDataType_t type = CUDNN_DATA_FLOAT;
  DnnDescriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, extents);
  d.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number);
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &kAlignment);
  d.finalize();
  return d;
}

DnnDescriptor plain_convolution() {
  const cudnnDataType_t type = CUDNN_DATA_FLOAT;
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  const std::int64_t dimensions = 2, ones[] = {1, 1}, zeros[] = {0, 0};
  DnnDescriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  d.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions);
  d.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, ones);
  d.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
  d.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, zeros);
  d.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, zeros);
  d.finalize();
  return d;
}

// Whether an engine gives the same bits in every run and, where `exact`, computes in fp32 as the
// definition does.
bool suits(const DnnDescriptor& configuration, bool exact) {
  const DnnDescriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  const std::int64_t count = engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                        CUDNN_NUMERICAL_NOTE_TYPE_COUNT, notes);
  return std::none_of(notes, notes + count, [exact](cudnnBackendNumericalNote_t note) {
    return note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
           (exact && note != CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP);
  });
}

// Ways to run the graph, the best first.
std::vector<DnnDescriptor> proposals(const ConvolutionGraph& graph, cudnnBackendHeurMode_t mode) {
  const DnnDescriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  const cudnnBackendDescriptor_t of = graph.get().get();
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &of);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  heuristic.finalize();
  std::vector<DnnDescriptor> found;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int i = 0; i < kProposals; ++i)
    raw.push_back(found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).get());
  const std::int64_t count = heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                           CUDNN_TYPE_BACKEND_DESCRIPTOR, kProposals, raw.data());
  found.erase(found.begin() + std::min(count, kProposals), found.end());
  return found;
}

DnnDescriptor plan_of(const ConvolutionGraph& graph, cudnnHandle_t handle, bool exact) {
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const DnnDescriptor& proposal : proposals(graph, mode)) {
      if (!suits(proposal, exact)) continue;
      DnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      const cudnnBackendDescriptor_t of = proposal.get();
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &of);
      // A proposal may turn out not to suit the device.
      if (cudnnBackendFinalize(plan.get()) == CUDNN_STATUS_SUCCESS) return plan;
    }
  throw MachineError("cuDNN knows no way to run the event filters' convolution on this device");
}

}  // namespace

void check(cudnnStatus_t status, const char* call, std::source_location where) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw MachineError(fmt::format("{}:{}: {}: {}", where.file_name(), where.line(), call,
                                 cudnnGetErrorString(status)));
}

const OperationNames& names_of(ConvolutionResult result) {
  static constexpr OperationNames responses{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  static constexpr OperationNames filter_gradient{
      CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  return result == ConvolutionResult::responses ? responses : filter_gradient;
}

DnnDescriptor::DnnDescriptor(cudnnBackendDescriptorType_t type) {
  check(cudnnBackendCreateDescriptor(type, &descriptor_), "cudnnBackendCreateDescriptor");
}

DnnDescriptor::~DnnDescriptor() {
  if (descriptor_) cudnnBackendDestroyDescriptor(descriptor_);
}

void DnnDescriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                        std::int64_t count, const void* values, std::source_location where) const {
  check(cudnnBackendSetAttribute(descriptor_, name, type, count, values),
        "cudnnBackendSetAttribute", where);
}

std::int64_t DnnDescriptor::get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                std::int64_t most, void* values, std::source_location where) const {
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(descriptor_, name, type, most, &count, values),
        "cudnnBackendGetAttribute", where);
  return count;
}

void DnnDescriptor::finalize(std::source_location where) const {
  check(cudnnBackendFinalize(descriptor_), "cudnnBackendFinalize", where);
}

Dnn::Dnn(const Stream& stream) {
  check(cudnnCreate(&handle_), "cudnnCreate");
  check(cudnnSetStream(handle_, stream.get()), "cudnnSetStream");
}

Dnn::~Dnn() {
  if (handle_) cudnnDestroy(handle_);
}

ConvolutionGraph::ConvolutionGraph(const ConvolutionShape& s, cudnnHandle_t handle) {
  parts_.push_back(tensor(kSignal, {s.songs, s.channels, s.frames}));
  parts_.push_back(tensor(kFilter, {s.filters, s.channels, s.length}));
  parts_.push_back(tensor(kResponse, {s.songs, s.filters, s.frames - s.length + 1}));
  parts_.push_back(plain_convolution());
  const float one = 1, zero = 0;
  const OperationNames& names = names_of(s.result);
  DnnDescriptor operation(names.operation);
  const auto link = [&](cudnnBackendAttributeName_t name, int part) {
    const cudnnBackendDescriptor_t raw = parts_[part].get();
    operation.set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
  };
  link(names.signal, 0);
  link(names.filter, 1);
  link(names.response, 2);
  link(names.convolution, 3);
  operation.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &one);
  operation.set(names.beta, CUDNN_TYPE_FLOAT, 1, &zero);
  operation.finalize();
  DnnDescriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  const cudnnBackendDescriptor_t raw = operation.get();
  if (handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
  graph.finalize();
  parts_.push_back(std::move(operation));
  parts_.push_back(std::move(graph));
}

Convolution::Convolution(const Dnn& dnn, const ConvolutionShape& shape, bool exact)
    : handle_(dnn.get()),
      shape_(shape),
      graph_(shape, dnn.get()),
      plan_(plan_of(graph_, dnn.get(), exact)) {
  std::int64_t bytes = 0;
  plan_.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &bytes);
  workspace_bytes_ = static_cast<std::size_t>(bytes);
}

void Convolution::run(const float* signals, const float* operand, float* result,
                      void* workspace) const {
  const bool forward = shape_.result == ConvolutionResult::responses;
  const std::int64_t numbers[] = {
      ConvolutionGraph::kSignal, forward ? ConvolutionGraph::kFilter : ConvolutionGraph::kResponse,
      forward ? ConvolutionGraph::kResponse : ConvolutionGraph::kFilter};
  const void* pointers[] = {signals, operand, result};
  DnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, numbers);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  pack.finalize();
  check(cudnnBackendExecute(handle_, plan_.get(), pack.get()), "cudnnBackendExecute");
}

}  // namespace reprise::cuda
