#pragma once

#include <optional>
#include <string>

#include "backend/cuda/blas.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/stream.h"
#include "reprise/backend.h"

namespace reprise::cuda {

/// The ops on one CUDA device, queued on one stream: only download() waits. To be used from the
/// thread that made it. Each group of ops is defined in a file of its own.
class CudaBackend : public Backend {
 public:
  /// `device` must be one that select_device() accepted.
  CudaBackend(int device, Arithmetic arithmetic);

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

  // excerpts.cpp
  void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                 PatchworkParams params, float* out) override;
  void augment(ChromaView chroma, const Take* takes, std::int64_t count, AugmentParams params,
               float* out, Excerpt* out_excerpts) override;

  // bigrams.cpp
  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override;
  void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                      std::int64_t longest, const float* weights, const BigramParams& params,
                      float* out, void* reserve) override;
  void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                       std::int64_t longest, const float* weights, const BigramParams& params,
                       const float* out_gradient, const void* reserve, float* gradient,
                       float* events_gradient) override;
  void interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                        std::int64_t longest, const float* weights, const BigramParams& params,
                        float* out) override;

  // event_layers.cpp
  void event_layer_forward(const float* x, std::int64_t count, const float* weights,
                           const EventLayerParams& params, float* out,
                           std::int32_t* winners) override;
  void event_layer_backward(const float* x, std::int64_t count, const float* weights,
                            const EventLayerParams& params, const float* out,
                            const std::int32_t* winners, const float* out_gradient, float* gradient,
                            float* x_gradient) override;

  // learning.cpp
  void loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
            const float* scale, const LossParams& params, float* loss, float* z_gradient,
            float* scale_gradient) override;
  void adam(float* weights, float* moment1, float* moment2, const float* gradient,
            std::int64_t count, const AdamParams& params, const AdamStep* step,
            float* gradient_norm) override;
  void project(const float* in, std::int64_t rows, int in_dims, const float* weight,
               const float* bias, int out_dims, float* out) override;

  // ftm2d.cpp
  void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
             const Ftm2dParams& params, float* out) override;

  // search.cpp
  void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                    std::int64_t candidates, int dims, const float* bias, float* out) override;
  std::size_t scan_bytes(std::int64_t count, int dims, ScanPrecision precision) const override;
  void prepare_scan(const float* vectors, std::int64_t count, int dims, ScanPrecision precision,
                    void* scan) override;
  void top_k(const float* q, std::int64_t queries, int keys, const Candidates& candidates, int k,
             std::int64_t* ids, float* scores, std::int32_t* best_key) override;

  // alignment.cpp
  void align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
             ChromaView candidate_chroma, const Excerpt* candidates, std::int64_t candidate_count,
             const AlignmentPair* pairs, std::int64_t count, const AlignmentParams& params,
             float* scores) override;

 protected:
  const Stream& stream() const { return stream_; }
  /// Memory of the op that runs.
  void* scratch(std::size_t bytes) { return scratch_->take(bytes); }
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
  Arithmetic arithmetic_;
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
