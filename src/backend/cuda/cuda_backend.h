#pragma once

#include <optional>
#include <string>

#include "backend/cuda/blas.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/stream.h"
#include "reprise/backend.h"

namespace reprise::cuda {

/// The ops on one CUDA device, queued on one stream: only download() waits. To be used from the
/// thread that made it.
class CudaBackend : public Backend {
 public:
  /// `device` must be one that select_device() accepted.
  CudaBackend(int device, MathMode math);

  std::string name() const override { return "cuda"; }
  std::string description() const override { return description_; }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* to, const void* host, std::size_t bytes) override;
  void download(void* host, const void* from, std::size_t bytes) override;
  std::size_t free_memory() const override;
  void* allocate_host(std::size_t bytes) override;
  void release_host(void* memory) noexcept override;
  void upload_ahead(void* to, const void* host, std::size_t bytes) override;
  void await_uploads() override;
  std::unique_ptr<OpGraph> capture(std::function<void()> ops) override;

  // chroma.cpp
  std::unique_ptr<ChromaEngine> chroma_engine(const ChromaTables& tables) override;

  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override;
  std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) const override;

 protected:
  // Each op in a file of its name.
#define REPRISE_OP(Op) void perform(const ops::Op& op) override;
  REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

  const Stream& stream() const {
    return stream_;
  }
  /// Memory of the op that runs.
  void* scratch(std::size_t bytes) {
    return scratch_->take(bytes);
  }
  /// cuBLAS, loaded when it is first needed.
  const Blas& blas();

 private:
  // Copies `count` values to host memory, and waits for them.
  template <typename T>
  std::vector<T> to_host(const T* values, std::int64_t count) {
    std::vector<T> host(static_cast<std::size_t>(count));
    download(host.data(), values, host.size() * sizeof(T));
    return host;
  }

  int device_;
  MathMode math_;
  std::string description_;
  Stream stream_;
  Stream aside_;  // takes memory while the other is captured
  Stream ahead_;  // of uploads beside the ops
  Event reached_;
  Staging staging_;
  std::optional<Blas> blas_;
  Workspace workspace_{stream_};
  Workspace* scratch_ = &workspace_;  // of the op that runs
};

/// Says that an op is not there, or not for these parameters, and why.
[[noreturn]] void decline(const std::string& reason);

}  // namespace reprise::cuda
