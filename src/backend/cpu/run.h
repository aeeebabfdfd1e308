#pragma once

#include <cstddef>
#include <cstdint>

#include "reprise/ops.h"

// The ops of ops.h on the CPU, each in a file of its name.
namespace reprise::cpu {

/// Event frames of a song from which on it is cut into segments, which threads share: a segment's
/// events stay in a core's second cache. Part of the result's bits, so only tests take another.
constexpr std::int64_t kSegmentFrames = 4096;

/// How ops run. Results do not depend on `threads`.
struct Context {
  int threads = 1;  ///< that share the work of an op
  MathMode math = MathMode::fp32;
  std::int64_t segment_frames = kSegmentFrames;
};

#define REPRISE_OP(Op) void run(const ops::Op& op, const Context& context);
REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

/// See Backend.
std::size_t bigram_reserve(const BigramParams& params, std::int64_t count, std::int64_t frames);
std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format);

/// The instruction set that Highway's dispatch chose.
const char* instruction_set();
/// Those compiled in, as a set of Highway's target bits.
std::int64_t instruction_sets();

}  // namespace reprise::cpu
