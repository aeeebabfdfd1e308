// cuDNN's graph interface for one convolution in float, or the gradient of its filters. Descriptors
// are checked as cuDNN checks them: an attribute has a type and a number of values, what is not
// finalised cannot be used, shapes must agree, and every tensor must lie wholly in live device
// memory. Which engines there are, what workspace they want and what they round is made up: the
// first proposal sums in no fixed order, and cannot be run here; the next one rounds to tf32; the
// last does neither.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cudnn.h"
#include "device.h"
#include "handles.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

using namespace reprise::emulation;

constexpr std::int64_t kWorkspace = 256;  // bytes that an engine asks for

/// What an attribute must be; `most` values, and `least` before its descriptor is finalised.
struct Rule {
  cudnnBackendDescriptorType_t of;
  cudnnBackendAttributeType_t type;
  std::int64_t least, most;
};

const std::map<cudnnBackendAttributeName_t, Rule>& rules() {
  constexpr auto tensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
  constexpr auto convolution = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
  constexpr auto forward = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  constexpr auto backward = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
  constexpr auto heuristic = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
  constexpr auto plan = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
  constexpr auto pack = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
  constexpr auto graph = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR;
  constexpr auto descriptor = CUDNN_TYPE_BACKEND_DESCRIPTOR;
  constexpr auto number = CUDNN_TYPE_INT64;
  static const std::map<cudnnBackendAttributeName_t, Rule> all{
      {CUDNN_ATTR_TENSOR_DATA_TYPE, {tensor, CUDNN_TYPE_DATA_TYPE, 1, 1}},
      {CUDNN_ATTR_TENSOR_DIMENSIONS, {tensor, number, 4, 4}},
      {CUDNN_ATTR_TENSOR_STRIDES, {tensor, number, 4, 4}},
      {CUDNN_ATTR_TENSOR_UNIQUE_ID, {tensor, number, 1, 1}},
      {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {tensor, number, 1, 1}},
      {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, {convolution, CUDNN_TYPE_DATA_TYPE, 1, 1}},
      {CUDNN_ATTR_CONVOLUTION_CONV_MODE, {convolution, CUDNN_TYPE_CONVOLUTION_MODE, 1, 1}},
      {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {convolution, number, 1, 1}},
      {CUDNN_ATTR_CONVOLUTION_DILATIONS, {convolution, number, 2, 2}},
      {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {convolution, number, 2, 2}},
      {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {convolution, number, 2, 2}},
      {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {convolution, number, 2, 2}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, {forward, CUDNN_TYPE_FLOAT, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, {forward, CUDNN_TYPE_FLOAT, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, {forward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, {forward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, {forward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, {forward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, {backward, CUDNN_TYPE_FLOAT, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, {backward, CUDNN_TYPE_FLOAT, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, {backward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, {backward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, {backward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, {backward, descriptor, 1, 1}},
      {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, {graph, CUDNN_TYPE_HANDLE, 0, 1}},
      {CUDNN_ATTR_OPERATIONGRAPH_OPS, {graph, descriptor, 1, 1}},
      {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, {heuristic, descriptor, 1, 1}},
      {CUDNN_ATTR_ENGINEHEUR_MODE, {heuristic, CUDNN_TYPE_HEUR_MODE, 1, 1}},
      {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, {plan, CUDNN_TYPE_HANDLE, 0, 1}},
      {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, {plan, descriptor, 1, 1}},
      {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, {pack, number, 3, 3}},
      {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, {pack, CUDNN_TYPE_VOID_PTR, 3, 3}},
      {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {pack, CUDNN_TYPE_VOID_PTR, 1, 1}}};
  return all;
}

std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
    case CUDNN_TYPE_INT64:
      return 8;
    default:
      return 4;
  }
}

struct Tensor {
  std::array<std::int64_t, 4> extent, stride;
  std::int64_t number, alignment;

  std::size_t bytes() const {
    std::int64_t last = 0;
    for (int d = 0; d < 4; ++d) last += (extent[d] - 1) * stride[d];
    return static_cast<std::size_t>(last + 1) * sizeof(float);
  }
};

enum class Engine { unordered, tf32, exact };
constexpr Engine kEngines[] = {Engine::unordered, Engine::tf32, Engine::exact};

struct Convolution {
  Tensor x, w, y;
  bool forward = true;  // y of x and w, or w of x and y
  Engine engine = Engine::unordered;
};

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, std::vector<unsigned char>> values;
  Convolution convolution;  // of an operation, and of what was made from it

  template <typename T>
  std::vector<T> all(cudnnBackendAttributeName_t name) const {
    const auto found = values.find(name);
    if (found == values.end()) return {};
    std::vector<T> result(found->second.size() / sizeof(T));
    std::memcpy(result.data(), found->second.data(), found->second.size());
    return result;
  }
  template <typename T>
  T one(cudnnBackendAttributeName_t name) const {
    return all<T>(name).at(0);
  }
  const Descriptor* linked(cudnnBackendAttributeName_t name) const;
};

/// The descriptors that are alive: any other pointer is refused.
std::set<const void*>& alive() {
  static std::set<const void*> descriptors;
  return descriptors;
}

Descriptor* find(cudnnBackendDescriptor_t descriptor) {
  return alive().contains(descriptor) ? static_cast<Descriptor*>(descriptor) : nullptr;
}

const Descriptor* Descriptor::linked(cudnnBackendAttributeName_t name) const {
  const Descriptor* other = find(one<cudnnBackendDescriptor_t>(name));
  return other != nullptr && other->finalized ? other : nullptr;
}

cudnnStatus_t refuse(cudnnStatus_t status, const std::string& text) {
  const Call call;
  Device::get().error(cudaErrorInvalidValue, "cuDNN: " + text);
  return status;
}

cudnnStatus_t not_finalized() {
  return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a descriptor that is not finalised is used");
}

float to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000u) & ~0x1fffu);
}

// --- what finalising checks, for each kind of descriptor

Tensor tensor_of(const Descriptor& d) {
  Tensor tensor;
  const auto extents = d.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = d.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  std::copy_n(extents.begin(), 4, tensor.extent.begin());
  std::copy_n(strides.begin(), 4, tensor.stride.begin());
  tensor.number = d.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  tensor.alignment = d.one<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  return tensor;
}

cudnnStatus_t finalize_tensor(const Descriptor& d) {
  const Tensor tensor = tensor_of(d);
  if (d.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) != CUDNN_DATA_FLOAT)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a tensor that is not of float");
  for (int i = 0; i < 4; ++i) {
    if (tensor.extent[i] <= 0 || tensor.stride[i] <= 0)
      return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor's extents and strides must be positive");
  }
  if (tensor.alignment <= 0 || !std::has_single_bit(static_cast<std::uint64_t>(tensor.alignment)))
    return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor's alignment must be a power of two");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_convolution(const Descriptor& d) {
  const auto are = [&](cudnnBackendAttributeName_t name, std::int64_t value) {
    const auto all = d.all<std::int64_t>(name);
    return std::all_of(all.begin(), all.end(), [=](std::int64_t v) { return v == value; });
  };
  const bool plain =
      d.one<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) == 2 &&
      d.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION &&
      are(CUDNN_ATTR_CONVOLUTION_DILATIONS, 1) && are(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1) &&
      are(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0) && are(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0);
  return plain ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_NOT_SUPPORTED,
                        "the emulation has plain two-dimensional cross-correlations only");
}

cudnnStatus_t finalize_operation(Descriptor& d) {
  const bool forward = d.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  const auto name = [&](cudnnBackendAttributeName_t of_forward,
                        cudnnBackendAttributeName_t of_backward) {
    return forward ? of_forward : of_backward;
  };
  const Descriptor* x = d.linked(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X));
  const Descriptor* w = d.linked(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW));
  const Descriptor* y = d.linked(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY));
  if (!x || !w || !y ||
      !d.linked(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC)))
    return not_finalized();
  if (d.one<float>(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA)) != 1 ||
      d.one<float>(name(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA)) != 0)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulation neither scales nor adds");
  const Tensor in = tensor_of(*x), filter = tensor_of(*w), out = tensor_of(*y);
  d.convolution = {in, filter, out, forward};
  bool agree = in.extent[1] == filter.extent[1] && out.extent[0] == in.extent[0] &&
               out.extent[1] == filter.extent[0];
  for (const int i : {2, 3}) agree &= out.extent[i] == in.extent[i] - filter.extent[i] + 1;
  return agree ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
                        "the extents of signal, filter and response do not agree");
}

/// The convolution of the finalised descriptor that `name` links to becomes d's.
cudnnStatus_t inherit(Descriptor& d, cudnnBackendAttributeName_t name) {
  const Descriptor* other = d.linked(name);
  if (other == nullptr) return not_finalized();
  d.convolution = other->convolution;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize(Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return finalize_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return finalize_convolution(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return finalize_operation(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return inherit(d, CUDNN_ATTR_OPERATIONGRAPH_OPS);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return inherit(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return inherit(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return CUDNN_STATUS_SUCCESS;
    default:
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulation does not finalise this descriptor");
  }
}

// --- running it

// Calls use(x, w, y) for the places of each product, those of one response after another.
template <typename Use>
void for_each_product(const Convolution& c, Use use) {
  const auto at = [](const Tensor& t, std::int64_t a, std::int64_t b, std::int64_t i,
                     std::int64_t j) {
    return a * t.stride[0] + b * t.stride[1] + i * t.stride[2] + j * t.stride[3];
  };
  const auto [songs, filters, height, width] = c.y.extent;
  for (std::int64_t s = 0; s < songs; ++s)
    for (std::int64_t f = 0; f < filters; ++f)
      for (std::int64_t i = 0; i < height; ++i)
        for (std::int64_t j = 0; j < width; ++j)
          for (std::int64_t p = 0; p < c.w.extent[2]; ++p)
            for (std::int64_t q = 0; q < c.w.extent[3]; ++q)
              for (std::int64_t k = 0; k < c.w.extent[1]; ++k)
                use(at(c.x, s, k, i + p, j + q), at(c.w, f, k, p, q), at(c.y, s, f, i, j));
}

void convolve(const Convolution& c, const float* x, float* w, float* y) {
  const auto operand = [&](float value) {
    return c.engine == Engine::tf32 ? to_tf32(value) : value;
  };
  if (c.forward) {
    for_each_product(c, [&](auto, auto, auto of_y) { y[of_y] = 0; });
    for_each_product(c, [&](auto of_x, auto of_w, auto of_y) {
      y[of_y] += operand(w[of_w]) * operand(x[of_x]);
    });
  } else {
    for_each_product(c, [&](auto, auto of_w, auto) { w[of_w] = 0; });
    for_each_product(c, [&](auto of_x, auto of_w, auto of_y) {
      w[of_w] += operand(y[of_y]) * operand(x[of_x]);
    });
  }
}

}  // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  const Call call;
  if (Device::get().count == 0) return CUDNN_STATUS_NOT_INITIALIZED;
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "CUDNN_STATUS_BAD_PARAM";
  }
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  auto* made = new Descriptor{type, false, {}, {}};
  alive().insert(made);
  *descriptor = made;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  Descriptor* d = find(descriptor);
  if (d == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  alive().erase(d);
  delete d;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  Descriptor* d = find(descriptor);
  if (d == nullptr || elements == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (d->finalized) return refuse(CUDNN_STATUS_BAD_PARAM, "a finalised descriptor is changed");
  const auto rule = rules().find(name);
  if (rule == rules().end() || rule->second.of != d->type)
    return refuse(CUDNN_STATUS_BAD_PARAM,
                  "attribute " + std::to_string(name) + " is not one of this descriptor's");
  if (rule->second.type != type)
    return refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
                  "attribute " + std::to_string(name) + " is of another type");
  if (count < rule->second.least || count > rule->second.most)
    return refuse(CUDNN_STATUS_BAD_PARAM,
                  "attribute " + std::to_string(name) + " has another number of values");
  const auto* bytes = static_cast<const unsigned char*>(elements);
  d->values[name].assign(bytes, bytes + static_cast<std::size_t>(count) * size_of(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  Descriptor* d = find(descriptor);
  if (d == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  for (const auto& [name, rule] : rules()) {
    if (rule.of == d->type && rule.least > 0 && !d->values.contains(name))
      return refuse(CUDNN_STATUS_BAD_PARAM, "attribute " + std::to_string(name) + " was not set");
  }
  const cudnnStatus_t status = finalize(*d);
  d->finalized = status == CUDNN_STATUS_SUCCESS;
  return status;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested,
                                       int64_t* count, void* elements) {
  Descriptor* d = find(descriptor);
  if (d == nullptr || count == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (!d->finalized) return not_finalized();
  // A descriptor that the caller made takes the value.
  const auto fill = [&](std::int64_t i, Engine engine) {
    Descriptor* other = find(static_cast<cudnnBackendDescriptor_t*>(elements)[i]);
    if (other == nullptr) return;
    other->convolution = d->convolution;
    other->convolution.engine = engine;
    other->finalized = true;
  };
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    *count = std::ssize(kEngines);
    for (std::int64_t i = 0; i < std::min(*count, requested); ++i) fill(i, kEngines[i]);
  } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE && type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    *count = 1;
    if (requested > 0) fill(0, d->convolution.engine);
  } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && type == CUDNN_TYPE_NUMERICAL_NOTE) {
    std::vector<cudnnBackendNumericalNote_t> notes;
    if (d->convolution.engine == Engine::unordered) notes = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    if (d->convolution.engine == Engine::tf32)
      notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS};
    *count = std::ssize(notes);
    std::copy_n(notes.begin(), std::min(*count, requested),
                static_cast<cudnnBackendNumericalNote_t*>(elements));
  } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && type == CUDNN_TYPE_INT64) {
    *count = 1;
    if (requested > 0) *static_cast<std::int64_t*>(elements) = kWorkspace;
  } else {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulation does not tell this attribute");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const Descriptor *p = find(plan), *v = find(pack);
  if (handle == nullptr || p == nullptr || v == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (!p->finalized || !v->finalized) return not_finalized();
  const auto numbers = v->all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = v->all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  const Convolution& c = p->convolution;
  if (c.engine == Engine::unordered)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the emulation has no sums without an order");
  const Call call;
  Device& device = Device::get();
  void* data[3] = {};
  const Tensor* tensors[] = {&c.x, &c.w, &c.y};
  for (int i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      if (numbers[j] == tensors[i]->number) data[i] = pointers[j];
    }
    if (!device.heap().holds(data[i], tensors[i]->bytes()))
      return refuse(CUDNN_STATUS_EXECUTION_FAILED, "tensor " + std::to_string(tensors[i]->number) +
                                                       " of " +
                                                       std::to_string(tensors[i]->bytes()) +
                                                       " bytes is not wholly in device memory");
    if (reinterpret_cast<std::uintptr_t>(data[i]) % tensors[i]->alignment != 0)
      return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a tensor is not aligned as said");
  }
  void* workspace = v->one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  if (!device.heap().holds(workspace, kWorkspace))
    return refuse(CUDNN_STATUS_EXECUTION_FAILED, "the workspace is too small");
  const auto work = [&device, c, x = data[0], w = data[1], y = data[2], workspace] {
    const HeapOpen open(device.heap());
    std::memset(workspace, 0xff, kWorkspace);  // what lay there is lost
    convolve(c, static_cast<const float*>(x), static_cast<float*>(w), static_cast<float*>(y));
    return cudaSuccess;
  };
  return device.error(device.streams().issue(stream_of(handle->stream), work)) == cudaSuccess
             ? CUDNN_STATUS_SUCCESS
             : CUDNN_STATUS_EXECUTION_FAILED;
}
