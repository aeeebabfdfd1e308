#include "backend/cuda/cuda_backend.h"

#include <fmt/format.h>

#include "check.h"
#include "reprise/error.h"

namespace reprise {
namespace cuda {
namespace {

constexpr int kOldestMajor = 8;  // of the compute capabilities that the kernels are built for

int device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  cudaGetLastError();
  if (status == cudaErrorInsufficientDriver)
    throw MachineError(fmt::format("no NVIDIA driver for CUDA {}.{} or later was found",
                                   CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10));
  if (status == cudaSuccess || status == cudaErrorNoDevice)
    throw MachineError("no CUDA device was found");
  throw MachineError(
      fmt::format("the CUDA devices cannot be used: {}", cudaGetErrorString(status)));
}

std::string device_name(int device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return fmt::format("cuda:{}, {}, sm_{}{}, {:.1f} GB", device, properties.name, properties.major,
                     properties.minor, static_cast<double>(properties.totalGlobalMem) * 1e-9);
}

// Makes the device the calling thread's.
int select_device(int device) {
  const int count = device_count();
  if (device < 0 || device >= count)
    throw MachineError(fmt::format(
        "there is no CUDA device {}: this machine has {}, numbered from 0", device, count));
  int major = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
  if (major < kOldestMajor)
    throw MachineError(fmt::format("{} is older than sm_{}0, the oldest that this build supports",
                                   device_name(device), kOldestMajor));
  check(cudaSetDevice(device), "cudaSetDevice");
  return device;
}

cudaMemPool_t memory_pool(int device) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
  return pool;
}

std::size_t pool_value(cudaMemPool_t pool, cudaMemPoolAttr attribute) {
  std::uint64_t value = 0;
  check(cudaMemPoolGetAttribute(pool, attribute, &value), "cudaMemPoolGetAttribute");
  return static_cast<std::size_t>(value);
}

const char* name_of(MathMode math) {
  switch (math) {
    case MathMode::fp32:
      return "fp32";
    case MathMode::tf32:
      return "tf32";
    case MathMode::bf16:
      return "bf16";
  }
  return "";
}

struct CapturedOps final : OpGraph {
  CapturedOps(const Stream& ops, const Stream& memory)
      : stream(ops), workspace(memory, Workspace::Keep::all) {}
  ~CapturedOps() override { cudaStreamSynchronize(stream.get()); }  // its last launch
  void launch() override { graph.launch(stream); }

  const Stream& stream;
  Workspace workspace;
  Graph graph;
};

}  // namespace

void decline(const std::string& reason) {
  throw MachineError(fmt::format("the CUDA back end has {}", reason));
}

CudaBackend::CudaBackend(int device, MathMode math)
    : device_(select_device(device)),
      math_(math),
      description_(fmt::format("{}, {}", device_name(device), name_of(math))) {
  // Memory that is given back stays at hand for the next op.
  std::uint64_t keep = UINT64_MAX;
  check(cudaMemPoolSetAttribute(memory_pool(device_), cudaMemPoolAttrReleaseThreshold, &keep),
        "cudaMemPoolSetAttribute");
}

void* CudaBackend::allocate(std::size_t bytes) {
  return DeviceMemory(stream_, bytes).release();
}

void CudaBackend::release(void* memory) noexcept {
  if (memory) cudaFreeAsync(memory, stream_.get());
}

void CudaBackend::upload(void* to, const void* host, std::size_t bytes) {
  staging_.upload(stream_, to, host, bytes);
}

void CudaBackend::download(void* host, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_.get()),
        "cudaMemcpyAsync");
  stream_.wait();
}

void* CudaBackend::allocate_host(std::size_t bytes) {
  void* memory = nullptr;
  if (cudaMallocHost(&memory, bytes) == cudaSuccess) return memory;
  cudaGetLastError();  // a system lets so much of its memory be page-locked and no more
  return Backend::allocate_host(bytes);
}

void CudaBackend::release_host(void* memory) noexcept {
  if (!memory) return;
  cudaStreamSynchronize(ahead_.get());  // which may read it yet
  cudaPointerAttributes attributes;
  if (cudaPointerGetAttributes(&attributes, memory) == cudaSuccess &&
      attributes.type == cudaMemoryTypeHost) {
    cudaFreeHost(memory);
  } else {
    cudaGetLastError();
    Backend::release_host(memory);
  }
}

void CudaBackend::upload_ahead(void* to, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  reached_.record(stream_);
  ahead_.wait(reached_);
  check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, ahead_.get()), "cudaMemcpyAsync");
}

void CudaBackend::await_uploads() {
  reached_.record(ahead_);
  stream_.wait(reached_);
}

std::size_t CudaBackend::free_memory() const {
  // What was released may count as used until then. A stream that is captured cannot be waited for.
  if (scratch_ == &workspace_) stream_.wait();
  std::size_t left = 0, all = 0;
  check(cudaMemGetInfo(&left, &all), "cudaMemGetInfo");
  const cudaMemPool_t pool = memory_pool(device_);
  return left + pool_value(pool, cudaMemPoolAttrReservedMemCurrent) -
         pool_value(pool, cudaMemPoolAttrUsedMemCurrent);
}

const Blas& CudaBackend::blas() {
  if (!blas_) blas_.emplace(stream_, aside_, math_);
  return *blas_;
}

std::unique_ptr<OpGraph> CudaBackend::capture(std::function<void()> ops) {
  auto captured = std::make_unique<CapturedOps>(stream_, aside_);
  scratch_ = &captured->workspace;
  try {
    captured->graph = Graph::capture(stream_, ops);
  } catch (...) {
    scratch_ = &workspace_;
    throw;
  }
  scratch_ = &workspace_;
  aside_.wait();  // for the scratch memory to be there
  return captured;
}

}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(int device, MathMode math) {
  return std::make_unique<cuda::CudaBackend>(device, math);
}

std::vector<std::string> cuda_devices() {
  std::vector<std::string> names(static_cast<std::size_t>(cuda::device_count()));
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = cuda::device_name(static_cast<int>(i));
  return names;
}

}  // namespace reprise
