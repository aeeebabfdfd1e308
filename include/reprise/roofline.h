#pragma once

#include <cstddef>
#include <string>

#include "reprise/params.h"

namespace reprise::roofline {

/// Single-precision operations a second that one core reaches with fused multiply-adds in registers
/// (two operations each), best of several runs.
double peak_flops();

/// The same for bfloat16 pairs and for bytes (AVX-512 BF16 and VNNI): operations a second, 0 where
/// the machine has no instructions for them.
double peak_bfloat16_flops();
double peak_byte_operations();

/// Bytes a second that one core reads, with vector loads, from a block of this size.
double read_bandwidth(std::size_t bytes);

/// The peaks of this machine in a line: arithmetic, and reading from each level of the memory.
std::string limits();

/// Operations of the bigrams of a song, a multiply-add as two, by the lag identity: events, one
/// correlation matrix for each distinct |lag|, windows; the backward twice that, and the events'
/// filters once more.
double forward_operations(const BigramParams& params, int frames);
double backward_operations(const BigramParams& params, int frames);

}  // namespace reprise::roofline
