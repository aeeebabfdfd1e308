#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "reprise/evaluate.h"

namespace reprise {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start);

/// Fingerprints of songs. Throws Error naming the song where one is not finite.
Fingerprints finite_fingerprints(FingerprintMethod& method, const SongSet& set,
                                 std::span<const std::int64_t> songs, Keys keys);

/// Queries to look up at once, so that the memory of their answers is bounded.
std::int64_t query_block(std::int64_t candidates);

/// Fills in what follows from the ranks of the versions.
void summarise(const SongSet& set, const Protocol& protocol, Evaluation& evaluation);

}  // namespace reprise
