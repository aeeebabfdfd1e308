#pragma once

#include <cstddef>

namespace reprise::bench {

/// Single-precision operations a second that one core reaches with fused multiply-adds in registers
/// (two operations each), best of several runs.
double peak_flops();

/// The same for bfloat16 pairs and for bytes (AVX-512 BF16 and VNNI): operations a second, 0 where
/// the machine has no instructions for them.
double peak_bfloat16_flops();
double peak_byte_operations();

/// Bytes a second that one core reads, with vector loads, from a block of this size.
double read_bandwidth(std::size_t bytes);

/// Prints the peaks of this machine: arithmetic, and reading from each level of the memory.
void print_peaks();

}  // namespace reprise::bench
