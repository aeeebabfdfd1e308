#pragma once

#include <memory>
#include <utility>

#include "reprise/backend.h"

namespace reprise {

/// Passes every op on to the CPU.
class ForwardingBackend : public Backend {
 public:
  explicit ForwardingBackend(int threads, Arithmetic arithmetic = Arithmetic::fp32)
      : cpu_(make_cpu_backend(threads, arithmetic)) {}

  std::string name() const override { return cpu_->name(); }
  std::string description() const override { return cpu_->description(); }
  void* allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  void release(void* memory) noexcept override { cpu_->release(memory); }
  void upload(void* to, const void* host, std::size_t bytes) override {
    cpu_->upload(to, host, bytes);
  }
  void download(void* host, const void* from, std::size_t bytes) override {
    cpu_->download(host, from, bytes);
  }
  std::size_t free_memory() const override { return cpu_->free_memory(); }
  std::unique_ptr<OpGraph> capture(std::function<void()> ops) override {
    return cpu_->capture(std::move(ops));
  }
  void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                 PatchworkParams params, float* out) override {
    cpu_->patchwork(chroma, excerpts, count, params, out);
  }
  void augment(ChromaView chroma, const Take* takes, std::int64_t count, AugmentParams params,
               float* out, Excerpt* out_excerpts) override {
    cpu_->augment(chroma, takes, count, params, out, out_excerpts);
  }
  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override {
    return cpu_->bigram_reserve(params, count, frames);
  }
  void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                      std::int64_t longest, const float* weights, const BigramParams& params,
                      float* out, void* reserve) override {
    cpu_->bigram_forward(chroma, excerpts, count, longest, weights, params, out, reserve);
  }
  void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                       std::int64_t longest, const float* weights, const BigramParams& params,
                       const float* out_gradient, const void* reserve, float* gradient,
                       float* events_gradient) override {
    cpu_->bigram_backward(chroma, excerpts, count, longest, weights, params, out_gradient, reserve,
                          gradient, events_gradient);
  }
  void interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                        std::int64_t longest, const float* weights, const BigramParams& params,
                        float* out) override {
    cpu_->interval_forward(chroma, excerpts, count, longest, weights, params, out);
  }
  void event_layer_forward(const float* x, std::int64_t count, const float* weights,
                           const EventLayerParams& params, float* out,
                           std::int32_t* winners) override {
    cpu_->event_layer_forward(x, count, weights, params, out, winners);
  }
  void event_layer_backward(const float* x, std::int64_t count, const float* weights,
                            const EventLayerParams& params, const float* out,
                            const std::int32_t* winners, const float* out_gradient, float* gradient,
                            float* x_gradient) override {
    cpu_->event_layer_backward(x, count, weights, params, out, winners, out_gradient, gradient,
                               x_gradient);
  }
  void loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
            const float* scale, const LossParams& params, float* loss, float* z_gradient,
            float* scale_gradient) override {
    cpu_->loss(z, works, rows, dims, scale, params, loss, z_gradient, scale_gradient);
  }
  void adam(float* weights, float* moment1, float* moment2, const float* gradient,
            std::int64_t count, const AdamParams& params, const AdamStep* step,
            float* gradient_norm) override {
    cpu_->adam(weights, moment1, moment2, gradient, count, params, step, gradient_norm);
  }
  void project(const float* in, std::int64_t rows, int in_dims, const float* weight,
               const float* bias, int out_dims, float* out) override {
    cpu_->project(in, rows, in_dims, weight, bias, out_dims, out);
  }
  void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
             const Ftm2dParams& params, float* out) override {
    cpu_->ftm2d(chroma, excerpts, count, params, out);
  }
  void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                    std::int64_t candidates, int dims, const float* bias, float* out) override {
    cpu_->similarities(q, queries, keys, c, candidates, dims, bias, out);
  }
  std::size_t scan_bytes(std::int64_t count, int dims, ScanPrecision precision) const override {
    return cpu_->scan_bytes(count, dims, precision);
  }
  void prepare_scan(const float* vectors, std::int64_t count, int dims, ScanPrecision precision,
                    void* scan) override {
    cpu_->prepare_scan(vectors, count, dims, precision, scan);
  }
  void top_k(const float* q, std::int64_t queries, int keys, const Candidates& candidates, int k,
             std::int64_t* ids, float* scores, std::int32_t* best_key) override {
    cpu_->top_k(q, queries, keys, candidates, k, ids, scores, best_key);
  }
  void align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
             ChromaView candidate_chroma, const Excerpt* candidates, std::int64_t candidate_count,
             const AlignmentPair* pairs, std::int64_t count, const AlignmentParams& params,
             float* scores) override {
    cpu_->align(query_chroma, queries, query_count, candidate_chroma, candidates, candidate_count,
                pairs, count, params, scores);
  }

 private:
  std::unique_ptr<Backend> cpu_;
};

}  // namespace reprise
