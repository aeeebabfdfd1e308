// Calls from kernel code into the engine. The engine itself is compiled without sanitizers, so that
// they see the kernels' memory accesses and nothing of the machinery around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <vector>

#include "emulation/runtime_types.h"

namespace reprise::emulation {

using Site = std::source_location;

enum class Vote { none, count, all, any };

/// Waits for every live thread of the block; returns the combined predicate (0 for Vote::none).
int block_barrier(Vote vote, int predicate, Site site);

enum class WarpOp { sync, shuffle, ballot, match, add, minimum, maximum, matrix, integer_matrix };

/// What one lane brings to a warp-wide operation.
struct WarpRequest {
  WarpOp op;
  std::uint32_t mask;   // the lanes that take part
  std::uint64_t value;  // the lane's payload
  int source;           // shuffle: the lane to read from
  Site site;
};

/// Waits for exactly the lanes of the mask and returns this lane's result.
std::uint64_t warp_collective(const WarpRequest& request);

/// This thread's lane within its warp.
int lane_index();

/// Orders this thread's accesses with every other thread that passes a fence.
void memory_fence();

/// The block's shared array that belongs to `key`: poisoned memory between red zones, made by the
/// first thread of the block that asks.
void* static_shared(const void* key, std::size_t bytes, std::size_t alignment);

/// The block's dynamic shared memory: as many bytes as the launch asked for.
void* dynamic_shared();

/// Ends the kernel with an error that names kernel, block, thread and call site.
[[noreturn]] void fail_kernel(const char* message, Site site);

/// The fragments of one lane in a matrix product, laid out as fragment_layout.h says; all pointers
/// are to this lane's registers.
template <typename Number>
struct MatrixProduct {
  int m, n, k;
  const Number* a;  // m * k / 32 elements
  const Number* b;  // k * n / 32
  const Number* c;  // m * n / 32
  Number* d;        // m * n / 32
};

/// A kernel launch: `body` runs once for each thread.
struct KernelLaunch {
  const void* function;
  cudaLaunchConfig_t config;
  std::function<void()> body;
  std::vector<const void*> pointers;  // the pointer arguments, in order; null for other arguments
};

cudaError_t launch_kernel(KernelLaunch launch);

}  // namespace reprise::emulation
