// cuFFT over KissFFT: batched one- and two-dimensional transforms of single precision, in cuFFT's
// advanced data layout. As there, nothing is normalised, the real-to-complex transform keeps the
// first n/2 + 1 entries of the last dimension, and a two-dimensional complex-to-real transform
// destroys its input.
#include <kiss_fftnd.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cufft.h"
#include "device.h"
#include "handles.h"

namespace {

using namespace reprise::emulation;

/// Where one side of a transform lies, in elements.
struct Layout {
  std::vector<int> embed;  // extents of the array in memory
  int stride, distance;

  long long offset(const std::vector<int>& index, int batch) const {
    long long position = 0;
    for (std::size_t d = 0; d < index.size(); ++d) position = position * embed[d] + index[d];
    return position * stride + static_cast<long long>(batch) * distance;
  }
};

struct Plan {
  bool made = false;
  std::vector<int> extents;
  Layout input, output;
  cufftType type = CUFFT_C2C;
  int batch = 0;
  cudaStream_t stream = nullptr;

  int volume() const {
    int product = 1;
    for (int extent : extents) product *= extent;
    return product;
  }

  /// The multi-index of a flat, row-major position.
  std::vector<int> index(int flat) const {
    std::vector<int> result(extents.size());
    for (std::size_t d = extents.size(); d-- > 0; flat /= extents[d]) result[d] = flat % extents[d];
    return result;
  }

  /// Extents of a side in memory: the half spectrum has n/2 + 1 entries in the last dimension.
  std::vector<int> side(bool half) const {
    std::vector<int> result = extents;
    if (half) result.back() = result.back() / 2 + 1;
    return result;
  }
};

std::map<cufftHandle, Plan>& plans() {
  static std::map<cufftHandle, Plan> all;
  return all;
}

cufftResult refuse(cufftResult result, const std::string& text) {
  Device::get().error(cudaErrorInvalidValue, "cuFFT: " + text);
  return result;
}

using Spectrum = std::vector<kiss_fft_cpx>;

/// Transforms of the plan's extents.
class Transform {
 public:
  Transform(const Plan& plan, bool inverse)
      : configuration_(kiss_fftnd_alloc(plan.extents.data(), static_cast<int>(plan.extents.size()),
                                        inverse, nullptr, nullptr),
                       &std::free),
        out_(plan.volume()) {}

  const Spectrum& operator()(const Spectrum& in) {
    kiss_fftnd(static_cast<kiss_fftnd_cfg>(configuration_.get()), in.data(), out_.data());
    return out_;
  }

 private:
  std::unique_ptr<void, decltype(&std::free)> configuration_;
  Spectrum out_;
};

/// Bytes from the first to the last element of a side.
std::size_t reach(const Plan& plan, const Layout& layout, bool half, std::size_t element) {
  std::vector<int> last = plan.side(half);
  for (int& index : last) --index;
  return static_cast<std::size_t>(layout.offset(last, plan.batch - 1) + 1) * element;
}

bool same_elements(const Plan& plan, const std::vector<int>& index, bool half) {
  return !half || index.back() <= plan.extents.back() / 2;
}

/// The entry of a half spectrum that stands for `index`, and whether it is to be conjugated.
std::pair<std::vector<int>, bool> stored(const Plan& plan, const std::vector<int>& index) {
  if (same_elements(plan, index, true)) return {index, false};
  std::vector<int> mirrored = index;
  for (std::size_t d = 0; d < index.size(); ++d) {
    mirrored[d] = (plan.extents[d] - index[d]) % plan.extents[d];
  }
  return {mirrored, true};
}

void run_r2c(const Plan& plan, const float* in, float2* out) {
  Transform transform(plan, false);
  std::vector<long long> from, to;  // of the first array; -1: left out
  for (int i = 0; i < plan.volume(); ++i) {
    const std::vector<int> index = plan.index(i);
    from.push_back(plan.input.offset(index, 0));
    to.push_back(same_elements(plan, index, true) ? plan.output.offset(index, 0) : -1);
  }
  Spectrum signal(plan.volume());
  for (long long b = 0; b < plan.batch; ++b) {
    for (int i = 0; i < plan.volume(); ++i) {
      signal[i] = {in[from[i] + b * plan.input.distance], 0};
    }
    const Spectrum& spectrum = transform(signal);
    for (int i = 0; i < plan.volume(); ++i) {
      if (to[i] >= 0) out[to[i] + b * plan.output.distance] = {spectrum[i].r, spectrum[i].i};
    }
  }
}

void run_c2r(const Plan& plan, float2* in, float* out) {
  Transform transform(plan, true);
  for (int b = 0; b < plan.batch; ++b) {
    Spectrum spectrum(plan.volume());
    for (int i = 0; i < plan.volume(); ++i) {
      const auto [index, conjugate] = stored(plan, plan.index(i));
      const float2 value = in[plan.input.offset(index, b)];
      spectrum[i] = {value.x, conjugate ? -value.y : value.y};
    }
    const Spectrum& signal = transform(spectrum);
    if (plan.extents.size() > 1 && static_cast<void*>(in) != out) {
      for (int i = 0; i < plan.volume(); ++i) {
        const std::vector<int> index = plan.index(i);
        if (same_elements(plan, index, true)) in[plan.input.offset(index, b)] = {NAN, NAN};
      }
    }
    for (int i = 0; i < plan.volume(); ++i) {
      out[plan.output.offset(plan.index(i), b)] = signal[i].r;
    }
  }
}

void run_c2c(const Plan& plan, const float2* in, float2* out, bool inverse) {
  Transform transform(plan, inverse);
  for (int b = 0; b < plan.batch; ++b) {
    Spectrum signal(plan.volume());
    for (int i = 0; i < plan.volume(); ++i) {
      const float2 value = in[plan.input.offset(plan.index(i), b)];
      signal[i] = {value.x, value.y};
    }
    const Spectrum& result = transform(signal);
    for (int i = 0; i < plan.volume(); ++i) {
      out[plan.output.offset(plan.index(i), b)] = {result[i].r, result[i].i};
    }
  }
}

cufftResult execute(cufftHandle handle, cufftType type, const void* in, const void* out,
                    std::function<void(const Plan&)> work) {
  const Call call;
  Device& device = Device::get();
  const auto found = plans().find(handle);
  if (found == plans().end() || !found->second.made) return CUFFT_INVALID_PLAN;
  const Plan& plan = found->second;
  if (plan.type != type) return refuse(CUFFT_INVALID_TYPE, "the plan is of another type");
  const bool half_in = type == CUFFT_C2R, half_out = type == CUFFT_R2C;
  const std::size_t in_bytes = reach(plan, plan.input, half_in, type == CUFFT_R2C ? 4 : 8);
  const std::size_t out_bytes = reach(plan, plan.output, half_out, type == CUFFT_C2R ? 4 : 8);
  if (!device.heap().holds(in, in_bytes) || !device.heap().holds(out, out_bytes)) {
    return refuse(CUFFT_EXEC_FAILED, "the input or output is not wholly in device memory");
  }
  const bool ranks_differ =
      plan.input.distance != plan.output.distance || plan.input.embed != plan.output.embed;
  if (in == out && plan.batch > 1 && type == CUFFT_C2C && ranks_differ) {
    return refuse(CUFFT_NOT_SUPPORTED, "an in-place batch with two layouts");
  }
  if (in == out && plan.batch > 1 && type != CUFFT_C2C) {
    return refuse(CUFFT_NOT_SUPPORTED, "an in-place batch of real transforms");
  }
  const cudaError_t status =
      device.streams().issue(stream_of(plan.stream), [&device, plan, work = std::move(work)] {
        const HeapOpen open(device.heap());
        work(plan);
        return cudaSuccess;
      });
  return device.error(status) == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}

}  // namespace

cufftResult cufftCreate(cufftHandle* handle) {
  const Call call;
  static cufftHandle next = 1;
  // As where the machine has the driver but not the library.
  if (std::getenv("EMULATED_WITHOUT_CUFFT") != nullptr) return CUFFT_SETUP_FAILED;
  if (Device::get().count == 0) return CUFFT_SETUP_FAILED;
  *handle = next++;
  plans()[*handle] = {};
  return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle plan) {
  const Call call;
  return plans().erase(plan) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}

cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream) {
  const Call call;
  const auto found = plans().find(plan);
  if (found == plans().end()) return CUFFT_INVALID_PLAN;
  found->second.stream = stream;
  return CUFFT_SUCCESS;
}

cufftResult cufftMakePlanMany(cufftHandle handle, int rank, int* n, int* inembed, int istride,
                              int idist, int* onembed, int ostride, int odist, cufftType type,
                              int batch, size_t* workSize) {
  const Call call;
  const auto found = plans().find(handle);
  if (found == plans().end() || found->second.made) return CUFFT_INVALID_PLAN;
  if (rank != 1 && rank != 2) return refuse(CUFFT_NOT_SUPPORTED, "ranks other than 1 and 2");
  if (type != CUFFT_R2C && type != CUFFT_C2R && type != CUFFT_C2C) {
    return refuse(CUFFT_INVALID_TYPE, "types other than R2C, C2R and C2C");
  }
  if (batch < 1) return refuse(CUFFT_INVALID_SIZE, "a batch of none");
  Plan plan;
  plan.made = true;
  plan.extents.assign(n, n + rank);
  for (int extent : plan.extents) {
    if (extent < 1) return refuse(CUFFT_INVALID_SIZE, "an extent below 1");
  }
  plan.type = type;
  plan.batch = batch;
  plan.stream = found->second.stream;
  // As in cuFFT, a null embedding means dense data, whatever stride and distance say.
  const auto layout = [&](bool half, const int* embed, int stride, int distance) {
    if (embed != nullptr) return Layout{{embed, embed + rank}, stride, distance};
    Layout packed{plan.side(half), 1, 1};
    for (int extent : packed.embed) packed.distance *= extent;
    return packed;
  };
  const bool dense = inembed == nullptr || onembed == nullptr;
  plan.input = layout(type == CUFFT_C2R, dense ? nullptr : inembed, istride, idist);
  plan.output = layout(type == CUFFT_R2C, dense ? nullptr : onembed, ostride, odist);
  if (plan.input.stride < 1 || plan.output.stride < 1) {
    return refuse(CUFFT_INVALID_VALUE, "a stride below 1");
  }
  found->second = plan;
  if (workSize != nullptr) *workSize = 0;
  return CUFFT_SUCCESS;
}

cufftResult cufftPlanMany(cufftHandle* plan, int rank, int* n, int* inembed, int istride, int idist,
                          int* onembed, int ostride, int odist, cufftType type, int batch) {
  if (const cufftResult result = cufftCreate(plan)) return result;
  const cufftResult result = cufftMakePlanMany(*plan, rank, n, inembed, istride, idist, onembed,
                                               ostride, odist, type, batch, nullptr);
  if (result != CUFFT_SUCCESS) cufftDestroy(*plan);
  return result;
}

cufftResult cufftPlan1d(cufftHandle* plan, int nx, cufftType type, int batch) {
  return cufftPlanMany(plan, 1, &nx, nullptr, 1, 0, nullptr, 1, 0, type, batch);
}

cufftResult cufftPlan2d(cufftHandle* plan, int nx, int ny, cufftType type) {
  int extents[] = {nx, ny};
  return cufftPlanMany(plan, 2, extents, nullptr, 1, 0, nullptr, 1, 0, type, 1);
}

cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* idata, cufftComplex* odata,
                         int direction) {
  if (direction != CUFFT_FORWARD && direction != CUFFT_INVERSE) return CUFFT_INVALID_VALUE;
  return execute(plan, CUFFT_C2C, idata, odata,
                 [=](const Plan& p) { run_c2c(p, idata, odata, direction == CUFFT_INVERSE); });
}

cufftResult cufftExecR2C(cufftHandle plan, cufftReal* idata, cufftComplex* odata) {
  return execute(plan, CUFFT_R2C, idata, odata, [=](const Plan& p) { run_r2c(p, idata, odata); });
}

cufftResult cufftExecC2R(cufftHandle plan, cufftComplex* idata, cufftReal* odata) {
  return execute(plan, CUFFT_C2R, idata, odata, [=](const Plan& p) { run_c2r(p, idata, odata); });
}
