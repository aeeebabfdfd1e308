#pragma once

#include <cstddef>

namespace reprise::bench {

/// Single-precision operations a second that one core reaches with fused multiply-adds in registers
/// (two operations each), best of several runs.
double peak_flops();

/// Bytes a second that one core reads, with vector loads, from a block of this size.
double read_bandwidth(std::size_t bytes);

/// Prints the peaks of this machine: arithmetic, and reading from each level of the memory.
void print_peaks();

}  // namespace reprise::bench
