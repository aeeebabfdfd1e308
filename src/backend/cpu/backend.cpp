#include "reprise/backend.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <thread>

#include "backend/cpu/row_products.h"
#include "backend/cpu/run.h"
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
  CpuBackend(int threads, MathMode math)
      : context_{threads > 0 ? threads
                             : std::max(1, static_cast<int>(std::thread::hardware_concurrency())),
                 math} {
    if (math == MathMode::bf16 && !cpu::bfloat16_products())
      throw MachineError(fmt::format(
          "bf16: expected a processor with AVX-512 BF16, found {}: leave the precision out",
          cpu::instruction_set()));
  }

  std::string name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("cpu, {} thread{}, {}{}", context_.threads, context_.threads == 1 ? "" : "s",
                       cpu::instruction_set(), context_.math == MathMode::bf16 ? ", bf16" : "");
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

  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override {
    return cpu::bigram_reserve(params, count, frames);
  }
  std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) const override {
    return cpu::scan_bytes(count, dims, format);
  }

 private:
#define REPRISE_OP(Op)                       \
  void perform(const ops::Op& op) override { \
    cpu::run(op, context_);                  \
  }
  REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

  cpu::Context context_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(int threads, MathMode math) {
  return std::make_unique<CpuBackend>(threads, math);
}

}  // namespace reprise
