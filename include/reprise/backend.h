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
#include "reprise/error.h"
#include "reprise/ops.h"

namespace reprise {

/// Ops on fixed arrays, captured once to be run many times.
class OpGraph {
 public:
  virtual ~OpGraph() = default;
  virtual void launch() = 0;
};

/// Memory and the ops of ops.h, on one kind of machine. Pointers are to memory of this back end
/// (see Buffer) unless a comment says "host". Results do not depend on the number of threads. Ops
/// throw Error; none prints. An op that a back end does not have, or not for the parameters given,
/// declines with an Error that says why.
///
/// Threads: any number may run the ops of a CPU back end at once, on memory that no other writes;
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

  /// Bytes that a bigram forward keeps for its backward, for excerpts of at most `frames` frames.
  virtual std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                                     std::int64_t frames) const = 0;
  /// Bytes that PrepareScan writes; 0 with fp32.
  virtual std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) const = 0;

  /// Runs an op of ops.h, as in run(ops::Project{.in = x, .rows = 2, ...}).
  template <class Op>
  void run(const Op& op) {
    expect_sizes(op);
    perform(op);
  }

 protected:
#define REPRISE_OP(Op) virtual void perform(const ops::Op& op) = 0;
  REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

 private:
  // Whatever the back end: no size is negative, and chroma has the bands of the parameters, or of
  // the chroma it is compared with.
  template <class Op>
  static void expect_sizes(const Op& op) {
    if constexpr (requires { op.params.given_events; }) {
      if (!op.params.given_events) expect_bands(op.songs.chroma, op.params.bands);
    } else if constexpr (requires {
                           op.songs;
                           op.params.bands;
                         }) {
      expect_bands(op.songs.chroma, op.params.bands);
    } else if constexpr (requires { op.queries.chroma; }) {
      expect_bands(op.queries.chroma, op.candidates.chroma.bands);
    }
    if constexpr (requires { op.songs; }) expect_size("songs", op.songs);
    if constexpr (requires { op.queries; }) expect_size("queries", op.queries);
    if constexpr (requires { op.candidates; }) expect_size("candidates", op.candidates);
    if constexpr (requires { op.count; }) expect_size("items", op.count);
    if constexpr (requires { op.rows; }) expect_size("rows", op.rows);
  }
  static void expect_bands(ChromaView chroma, int expected) {
    if (chroma.bands != expected)
      throw InputError("chroma: expected " + std::to_string(expected) +
                       " bands of 12 pitch classes, found " + std::to_string(chroma.bands));
  }
  template <class Items>
  static void expect_size(const char* what, const Items& items) {
    if constexpr (requires { items.count; }) {
      expect_size(what, items.count);
    } else if (items < 0) {
      throw InputError(std::string("an op's ") + what + ": expected 0 or more, found " +
                       std::to_string(items));
    }
  }
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
std::unique_ptr<Backend> make_cpu_backend(int threads = 0, MathMode math = MathMode::fp32);
/// Throws Error where the back end is not in this build or the machine has no such device.
std::unique_ptr<Backend> make_cuda_backend(int device = 0, MathMode math = MathMode::tf32);
/// Names of the machine's CUDA devices, in the order of their numbers. Throws Error that says why
/// there is none.
std::vector<std::string> cuda_devices();

}  // namespace reprise
