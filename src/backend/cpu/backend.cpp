#include "reprise/backend.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <thread>

#include "backend/cpu/ops.h"
#include "backend/cpu/row_products.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line

struct CpuGraph final : OpGraph {
  explicit CpuGraph(std::function<void()> calls) : ops(std::move(calls)) {}
  void launch() override { ops(); }
  std::function<void()> ops;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, Arithmetic arithmetic)
      : threads_(threads > 0 ? threads
                             : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))),
        arithmetic_(arithmetic) {
    if (arithmetic == Arithmetic::bf16 && !cpu::bfloat16_products())
      throw MachineError(fmt::format(
          "bf16: expected a processor with AVX-512 BF16, found {}: leave the precision out",
          cpu::instruction_set()));
  }

  std::string name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("cpu, {} thread{}, {}{}", threads_, threads_ == 1 ? "" : "s",
                       cpu::instruction_set(), arithmetic_ == Arithmetic::bf16 ? ", bf16" : "");
  }

  bool host_memory() const override { return true; }
  void* allocate(std::size_t bytes) override {
    void* memory = ::operator new(bytes, kAlignment, std::nothrow);
    if (!memory)
      throw OutOfMemory(fmt::format("out of memory: {:.1f} GB were asked for",
                                    static_cast<double>(bytes) * 1e-9));
    return memory;
  }
  void release(void* memory) noexcept override { ::operator delete(memory, kAlignment); }
  void upload(void* to, const void* host, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(to, host, bytes);
  }
  void download(void* host, const void* from, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(host, from, bytes);
  }
  std::size_t free_memory() const override {
    return static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) *
           static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }
  std::unique_ptr<OpGraph> capture(std::function<void()> ops) override {
    return std::make_unique<CpuGraph>(std::move(ops));
  }

  void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                 PatchworkParams params, float* out) override {
    cpu::patchwork(chroma, excerpts, count, params, threads_, out);
  }
  void augment(ChromaView chroma, const Take* takes, std::int64_t count, AugmentParams params,
               float* out, Excerpt* out_excerpts) override {
    cpu::augment(chroma, takes, count, params, threads_, out, out_excerpts);
  }
  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override {
    return cpu::bigram_reserve(params, count, frames);
  }
  void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, std::int64_t,
                      const float* weights, const BigramParams& params, float* out,
                      void* reserve) override {
    cpu::bigram_forward(chroma, excerpts, count, weights, params, threads_, out, reserve);
  }
  void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count, std::int64_t,
                       const float* weights, const BigramParams& params, const float* out_gradient,
                       const void* reserve, float* gradient, float* events_gradient) override {
    cpu::bigram_backward(chroma, excerpts, count, weights, params, out_gradient, reserve, threads_,
                         gradient, events_gradient);
  }
  void interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                        std::int64_t, const float* weights, const BigramParams& params,
                        float* out) override {
    cpu::interval_forward(chroma, excerpts, count, weights, params, threads_, out);
  }
  void event_layer_forward(const float* x, std::int64_t count, const float* weights,
                           const EventLayerParams& params, float* out,
                           std::int32_t* winners) override {
    cpu::event_layer_forward(x, count, weights, params, threads_, out, winners);
  }
  void event_layer_backward(const float* x, std::int64_t count, const float* weights,
                            const EventLayerParams& params, const float* out,
                            const std::int32_t* winners, const float* out_gradient, float* gradient,
                            float* x_gradient) override {
    cpu::event_layer_backward(x, count, weights, params, out, winners, out_gradient, threads_,
                              gradient, x_gradient);
  }
  void loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
            const float* scale, const LossParams& params, float* loss, float* z_gradient,
            float* scale_gradient) override {
    cpu::loss(z, works, rows, dims, scale, params, threads_, arithmetic_, loss, z_gradient,
              scale_gradient);
  }
  void adam(float* weights, float* moment1, float* moment2, const float* gradient,
            std::int64_t count, const AdamParams& params, const AdamStep* step,
            float* gradient_norm) override {
    cpu::adam(weights, moment1, moment2, gradient, count, params, *step, gradient_norm);
  }
  void project(const float* in, std::int64_t rows, int in_dims, const float* weight,
               const float* bias, int out_dims, float* out) override {
    cpu::project(in, rows, in_dims, weight, bias, out_dims, threads_, out);
  }
  void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
             const Ftm2dParams& params, float* out) override {
    cpu::ftm2d(chroma, excerpts, count, params, threads_, out);
  }
  void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                    std::int64_t candidates, int dims, const float* bias, float* out) override {
    cpu::similarities(q, queries, keys, c, candidates, dims, bias, threads_, out);
  }
  std::size_t scan_bytes(std::int64_t count, int dims, ScanPrecision precision) const override {
    return cpu::scan_bytes(count, dims, precision);
  }
  void prepare_scan(const float* vectors, std::int64_t count, int dims, ScanPrecision precision,
                    void* scan) override {
    cpu::prepare_scan(vectors, count, dims, precision, threads_, scan);
  }
  void top_k(const float* q, std::int64_t queries, int keys, const Candidates& candidates, int k,
             std::int64_t* ids, float* scores, std::int32_t* best_key) override {
    cpu::top_k(q, queries, keys, candidates, k, threads_, ids, scores, best_key);
  }
  void align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
             ChromaView candidate_chroma, const Excerpt* candidates, std::int64_t candidate_count,
             const AlignmentPair* pairs, std::int64_t count, const AlignmentParams& params,
             float* scores) override {
    cpu::align(query_chroma, queries, query_count, candidate_chroma, candidates, candidate_count,
               pairs, count, params, threads_, scores);
  }

 private:
  int threads_;
  Arithmetic arithmetic_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(int threads, Arithmetic arithmetic) {
  return std::make_unique<CpuBackend>(threads, arithmetic);
}

}  // namespace reprise
