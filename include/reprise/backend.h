#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reprise/chroma_engine.h"
#include "reprise/params.h"

namespace reprise {

/// Ops on fixed arrays, captured once to be run many times.
class OpGraph {
 public:
  virtual ~OpGraph() = default;
  virtual void launch() = 0;
};

/// The ops that the engine needs, on one kind of machine. Every pointer is to memory of this back
/// end (see Buffer) unless a comment says "host"; matrices are row-major and dense. Results do not
/// depend on the number of threads. Ops throw Error; none prints. An op that a back end does not
/// have, or not for the parameters given, declines with an Error that says why.
///
/// Threads: any number may call the ops of a CPU back end at once, on memory that no other writes;
/// a CUDA back end, and whatever was made with it, is one thread's at a time.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         ///< "cpu" or "cuda"
  virtual std::string description() const = 0;  ///< for people: device, instruction set, threads

  /// Whether host memory is memory of this back end, so that what lies there need not be copied.
  virtual bool host_memory() const { return false; }
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* to, const void* host, std::size_t bytes) = 0;
  virtual void download(void* host, const void* from, std::size_t bytes) = 0;
  /// Bytes that allocate() can be expected to give.
  virtual std::size_t free_memory() const = 0;

  /// Host memory that upload_ahead() copies from by the device alone, where the system has enough
  /// of that kind, else any.
  virtual void* allocate_host(std::size_t bytes) { return ::operator new(bytes); }
  virtual void release_host(void* memory) noexcept { ::operator delete(memory); }
  /// Begins a copy when the ops before it are done, and beside those behind it, which must not use
  /// `to` before await_uploads(). `host` must stay as it is until then.
  virtual void upload_ahead(void* to, const void* host, std::size_t bytes) {
    upload(to, host, bytes);
  }
  /// The ops behind it see what was uploaded ahead.
  virtual void await_uploads() {}

  /// Calls `ops`, which only calls ops, at once or at each launch of the graph. What they read and
  /// write must stay where it is; the values in it may change between launches.
  virtual std::unique_ptr<OpGraph> capture(std::function<void()> ops) = 0;

  // --- audio
  /// Computes the chroma of audio; used from this back end's thread, and does not outlive it. Null
  /// where the front end does that itself, as it does on the CPU: a song a thread, in constant
  /// memory.
  virtual std::unique_ptr<ChromaEngine> chroma_engine(const ChromaTables&) { return nullptr; }

  // --- chroma in, chroma out
  /// out float [count, patches * frames, 12].
  virtual void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                         PatchworkParams params, float* out) = 0;
  /// out float [count, crop, 12]; out_excerpts [count] say where in it each result lies.
  virtual void augment(ChromaView chroma, const Take* takes, std::int64_t count,
                       AugmentParams params, float* out, Excerpt* out_excerpts) = 0;

  // --- audio bigrams
  /// Bytes that bigram_forward keeps for bigram_backward, for excerpts of at most `frames` frames.
  virtual std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                                     std::int64_t frames) const = 0;
  /// out [count, dims]; no excerpt has more than `longest` frames. `reserve` may be null when no
  /// backward follows.
  virtual void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                              std::int64_t longest, const float* weights,
                              const BigramParams& params, float* out, void* reserve) = 0;
  /// gradient [weights] = sum over the excerpts of d(loss)/d(weights); out_gradient [count, dims].
  /// `reserve` is what the forward of the same arguments left. With given events their gradient is
  /// written, too, events_gradient [rows, N], where excerpts lie: they must not overlap.
  virtual void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                               std::int64_t longest, const float* weights,
                               const BigramParams& params, const float* out_gradient,
                               const void* reserve, float* gradient,
                               float* events_gradient = nullptr) = 0;

  /// Bigrams of kernels in 12 rotations, events 12 k + p, summed over the rotations: alike in all
  /// keys. out [count, F, K, K, 12]: of kernels k and m at the interval d the sum over p of
  /// M[f, 12 k + p, 12 m + (p + d) mod 12], pooled, neither compressed nor scaled.
  virtual void interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                                std::int64_t longest, const float* weights,
                                const BigramParams& params, float* out) = 0;

  // --- event networks
  /// out [count, out_frames, filters] of x [count, frames, channels]. winners [as out]: the frame
  /// of each largest response, the first of equal ones; may be null when no backward follows.
  virtual void event_layer_forward(const float* x, std::int64_t count, const float* weights,
                                   const EventLayerParams& params, float* out,
                                   std::int32_t* winners) = 0;
  /// gradient [weights] = sum over the songs of d(loss)/d(weights), and x_gradient [as x] where not
  /// null; out_gradient [as out]. out and winners are what the forward of the same arguments left.
  virtual void event_layer_backward(const float* x, std::int64_t count, const float* weights,
                                    const EventLayerParams& params, const float* out,
                                    const std::int32_t* winners, const float* out_gradient,
                                    float* gradient, float* x_gradient) = 0;

  // --- learning
  /// z [rows, dims], works [rows]; scale: one value, used by nt_xent as min(exp(scale), scale_max).
  /// Writes loss (one value), z_gradient [rows, dims], scale_gradient (one value).
  virtual void loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
                    const float* scale, const LossParams& params, float* loss, float* z_gradient,
                    float* scale_gradient) = 0;
  /// Updates weights and the two moments [count] in place; step: one; gradient_norm: one value,
  /// before clipping.
  virtual void adam(float* weights, float* moment1, float* moment2, const float* gradient,
                    std::int64_t count, const AdamParams& params, const AdamStep* step,
                    float* gradient_norm) = 0;

  // --- fingerprints to vectors
  /// out [rows, out_dims] = unit(in [rows, in_dims] weight^T [out_dims, in_dims] + bias).
  virtual void project(const float* in, std::int64_t rows, int in_dims, const float* weight,
                       const float* bias, int out_dims, float* out) = 0;

  // --- published fingerprints
  /// out [count, dims] (Bertin-Mahieux & Ellis 2012), row-major [time frequency, pitch frequency].
  /// Songs shorter than a patch are padded with zeros to one, where the original gives none.
  virtual void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                     const Ftm2dParams& params, float* out) = 0;

  // --- exact search
  /// out [queries, candidates] = max over keys of q [queries, keys, dims] . c [candidates, dims],
  /// plus bias [candidates] where not null.
  virtual void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                            std::int64_t candidates, int dims, const float* bias, float* out) = 0;
  /// Bytes that prepare_scan writes; 0 with fp32.
  virtual std::size_t scan_bytes(std::int64_t count, int dims, ScanPrecision precision) const = 0;
  /// Writes scan_bytes bytes for vectors [count, dims]: their quantised values with scales and
  /// residual norms, in an order of the back end's own.
  virtual void prepare_scan(const float* vectors, std::int64_t count, int dims,
                            ScanPrecision precision, void* scan) = 0;
  /// The k best candidates of each query q [keys, dims], by descending score, ties by ascending
  /// number. The score is the largest inner product of a key, summed in double precision and
  /// rounded to float; of keys with the same score the first is the best. ids, scores, best_key:
  /// [queries, k]; where fewer candidates exist the id is -1, the score -infinity and the key 0.
  virtual void top_k(const float* q, std::int64_t queries, int keys, const Candidates& candidates,
                     int k, std::int64_t* ids, float* scores, std::int32_t* best_key) = 0;

  // --- alignment
  /// scores [pairs] of row-z local alignment (see AlignmentParams). Each excerpt is prepared once
  /// for all its pairs. Chroma and scores are kept in 8 and 16 bits.
  virtual void align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
                     ChromaView candidate_chroma, const Excerpt* candidates,
                     std::int64_t candidate_count, const AlignmentPair* pairs, std::int64_t count,
                     const AlignmentParams& params, float* scores) = 0;
};

/// An array in the memory of a back end, which must outlive it.
template <class T>
class Buffer {
 public:
  Buffer(Backend& backend, std::int64_t size)
      : backend_(&backend),
        size_(size),
        data_(static_cast<T*>(backend.allocate(static_cast<std::size_t>(size) * sizeof(T)))) {}
  Buffer(Backend& backend, std::span<const T> values)
      : Buffer(backend, static_cast<std::int64_t>(values.size())) {
    upload(values);
  }
  Buffer(Buffer&& other) noexcept
      : backend_(other.backend_),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer() { backend_->release(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::int64_t size() const { return size_; }

  void upload(std::span<const T> values) {
    backend_->upload(data_, values.data(), values.size_bytes());
  }
  void download(std::span<T> values) const {
    backend_->download(values.data(), data_, values.size_bytes());
  }
  std::vector<T> download() const {
    std::vector<T> values(static_cast<std::size_t>(size_));
    download(std::span<T>(values));
    return values;
  }

 private:
  Backend* backend_;
  std::int64_t size_;
  T* data_;
};

/// An array in host memory that a back end uploads ahead from.
template <class T>
class HostBuffer {
 public:
  HostBuffer(Backend& backend, std::int64_t size)
      : backend_(&backend),
        size_(size),
        data_(static_cast<T*>(
            size == 0 ? nullptr
                      : backend.allocate_host(static_cast<std::size_t>(size) * sizeof(T)))) {}
  HostBuffer(HostBuffer&& other) noexcept
      : backend_(other.backend_),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  HostBuffer& operator=(HostBuffer&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~HostBuffer() { backend_->release_host(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::int64_t size() const { return size_; }

 private:
  Backend* backend_;
  std::int64_t size_;
  T* data_;
};

/// threads 0: as many as the machine offers. Throws Error where the processor has no products of
/// bf16 and they are asked for.
std::unique_ptr<Backend> make_cpu_backend(int threads = 0,
                                          Arithmetic arithmetic = Arithmetic::fp32);
/// Throws Error where the back end is not in this build or the machine has no such device.
std::unique_ptr<Backend> make_cuda_backend(int device = 0,
                                           Arithmetic arithmetic = Arithmetic::tf32);
/// Names of the machine's CUDA devices, in the order of their numbers. Throws Error that says why
/// there is none.
std::vector<std::string> cuda_devices();

}  // namespace reprise
