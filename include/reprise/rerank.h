#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/backend.h"
#include "reprise/evaluate.h"
#include "reprise/fingerprints.h"
#include "reprise/index.h"

namespace reprise {

/// How sure: log odds that a candidate is a version of the query, from logistic regressions on
/// versions and others among the first answers to validation queries. The probability is
/// 1 / (1 + exp(-log odds)), for catalogues in which versions are as frequent as in that split.
struct Confidence {
  /// [a, b, c, d, e] of F = a cos + b ln(1 + A) - c ln T_query - d ln T_candidate - e, A being the
  /// alignment score and T numbers of frames. Empty: unknown.
  std::vector<float> fused;
  /// [a, b] of a cos - b, of candidates that were not aligned. Empty: unknown.
  std::vector<float> cosine;

  double of_alignment(double cosine_similarity, double alignment, std::int64_t query_frames,
                      std::int64_t candidate_frames) const;
  double of_cosine(double cosine_similarity) const;
};

/// First answers that the regressions are fitted on and that are re-ranked by default.
inline constexpr int kRerank = 100;

/// Fits both on a split with at least one version and one other song among the first answers; else
/// both stay empty. Uses the method's cosines, the first kRerank answers of each query.
Confidence fit_confidence(Backend& backend, const SongSet& set, const Protocol& protocol,
                          FingerprintMethod& method);

/// Aligns the first k answers of each query and orders them by fused score, ties as they were; the
/// others stay behind them as they are. songs: the queries, numbers of songs of `asked`;
/// candidates: numbers of songs of `catalogue`, which the matches are positions in.
void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const Confidence& confidence, int k, std::vector<std::vector<Match>>& matches);

/// As evaluate(), with the first k answers of each query re-ranked.
Evaluation evaluate_reranked(Backend& backend, const SongSet& set, const Protocol& protocol,
                             FingerprintMethod& method, const Confidence& confidence, int k);

}  // namespace reprise
