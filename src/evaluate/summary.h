#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "reprise/evaluate.h"
#include "reprise/index.h"

namespace reprise {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start);

/// Of a method on a protocol: its name and sizes.
Evaluation begin_evaluation(const Fingerprinter& method, const Protocol& protocol);

// Both throw Error naming the song where a fingerprint is not finite, and add the seconds that
// fingerprints took to the evaluation.

/// Of the protocol's candidates.
Fingerprints candidate_fingerprints(Fingerprinter& method, const SongSet& set,
                                    const Protocol& protocol, Evaluation& evaluation);
/// Of the protocol's queries in `set`, so many at a time that the memory of their answers is
/// bounded: visit(number of the first, their fingerprints).
void for_each_query_block(Fingerprinter& method, const SongSet& set, const Protocol& protocol,
                          Evaluation& evaluation,
                          const std::function<void(std::int64_t, Fingerprints)>& visit);

/// The first `top` answers to queries, number `first` of the protocol and those after it, but for
/// themselves.
std::vector<std::vector<Match>> other_answers(const Index& index, const Fingerprints& queries,
                                              const Protocol& protocol, std::int64_t first,
                                              std::int64_t top);

/// Fills in what follows from the ranks of the versions.
void summarise(const SongSet& set, const Protocol& protocol, Evaluation& evaluation);

}  // namespace reprise
