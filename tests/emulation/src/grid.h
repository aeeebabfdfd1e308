// Runs a kernel: its blocks one after another, the threads of a block as fibers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "device_limits.h"
#include "emulation/engine.h"
#include "emulation/hooks.h"
#include "failure.h"
#include "fiber.h"
#include "shared_memory.h"

namespace reprise::emulation {

class Grid {
 public:
  /// Runs every block of the launch. Returns what went wrong, in words; empty if nothing did.
  std::string run(const KernelLaunch& launch, const std::string& name, Schedule schedule);

  /// The grid that is running on this machine, or null.
  static Grid* running();

  // Called by the threads of the running block.
  int barrier(Vote vote, int predicate, Site site);
  std::uint64_t collective(const WarpRequest& request);
  int lane() const { return current_ % kWarp; }
  void* shared(const void* key, std::size_t bytes, std::size_t alignment);
  void* dynamic_shared() const { return shared_.dynamic(); }
  [[noreturn]] void fail(const Failure& failure);

  /// "kernel `name`, block (0,0,0), thread (1,0,0)" for the thread that runs now.
  std::string where() const;

 private:
  struct Thread {
    Grid* grid;
    std::unique_ptr<Fiber> fiber;
    uint3 position;
  };

  struct Warp {
    std::uint32_t live = 0;     // lanes that have not exited
    std::uint32_t ready = 0;    // lanes that can run
    std::uint32_t waiting = 0;  // lanes inside a warp operation
    std::uint32_t at_barrier = 0;
    WarpRequest requests[kWarp];
    void* tokens[kWarp];
    std::uint64_t results[kWarp];
  };

  static void thread_main(void* thread);
  void run_block(uint3 block);
  void start_threads();
  int next_thread();
  void exit_thread();
  void open_barrier_if_complete();
  void complete(Warp& warp, std::uint32_t mask);
  std::string stuck() const;
  std::vector<std::uint64_t> block_order(std::uint64_t blocks);

  const KernelLaunch* launch_ = nullptr;
  std::string name_;
  Schedule schedule_;
  std::mt19937_64 random_;
  Failure failure_;
  std::string report_;

  // Two sets of fibers, for even and odd blocks: to the thread sanitizer, which knows a fiber as
  // one thread, neighbouring blocks then are not ordered with each other.
  std::vector<Thread> sets_[2];
  std::vector<Thread>* threads_ = nullptr;
  SharedMemory shared_;
  std::vector<Warp> warps_;
  std::vector<int> warp_order_;
  int count_ = 0;    // threads of a block
  int live_ = 0;     // of them, not exited
  int arrived_ = 0;  // of them, at the barrier
  int current_ = -1;
  int cursor_ = 0;

  Vote vote_ = Vote::none;
  Site barrier_site_;
  int first_arrival_ = 0;
  int votes_ = 0;
  int outcome_ = 0;
  void* barrier_token_ = nullptr;
};

}  // namespace reprise::emulation
