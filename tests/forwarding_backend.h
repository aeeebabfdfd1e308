#pragma once

#include <memory>
#include <utility>

#include "reprise/backend.h"

namespace reprise {

/// Passes every op on to the CPU.
class ForwardingBackend : public Backend {
 public:
  explicit ForwardingBackend(int threads, MathMode math = MathMode::fp32)
      : cpu_(make_cpu_backend(threads, math)) {}

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
  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override {
    return cpu_->bigram_reserve(params, count, frames);
  }
  std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) const override {
    return cpu_->scan_bytes(count, dims, format);
  }

 protected:
#define REPRISE_OP(Op)                       \
  void perform(const ops::Op& op) override { \
    cpu_->run(op);                           \
  }
  REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

 private:
  std::unique_ptr<Backend> cpu_;
};

}  // namespace reprise
