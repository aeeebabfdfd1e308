#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/backend.h"
#include "reprise/evaluate.h"
#include "reprise/fingerprints.h"
#include "reprise/index.h"
#include "reprise/model.h"

namespace reprise {

/// How two songs are aligned.
enum class Aligner : std::uint8_t {
  row_z,       ///< local alignment of scores standardised along each row: AlignmentParams
  row_z_half,  ///< the same of frames averaged two by two: a quarter of the work
  qmax,  ///< Serra, Serra & Andrzejak (2009): the published reference, on the host. See qmax.h
};
inline constexpr int kAligners = 3;

/// "row-z", "row-z-half" or "qmax".
std::string_view name_of(Aligner aligner);

/// The definition of row_z and row_z_half scores, in a line. Weights fitted to scores of another
/// definition do not apply.
std::string alignment_definition();

/// Default k: matches per query that are re-ranked, and that the regressions are fitted on.
inline constexpr int kRerank = 100;

/// The second stage: the top k matches of each query are aligned with it.
struct RerankOptions {
  int k = kRerank;
  Aligner aligner = Aligner::row_z;
};

/// Maps scores to log odds that a candidate is a version of the query: logistic regressions fitted
/// on the top matches of validation queries. The probability is 1 / (1 + exp(-log odds)), valid
/// where versions are as frequent as in that split.
struct ScoreCalibration {
  /// For each aligner [a, b, c, d, e] of F = a cos + b ln(1 + A) - c ln T_query - d ln T_candidate
  /// - e, A being the alignment score and T numbers of frames. Empty: unknown.
  std::vector<float> fused[kAligners];
  /// [a, b] of a z - b for candidates that were not aligned; z is the cosine in standard deviations
  /// (see Cohort). Empty: unknown.
  std::vector<float> cosine;
  /// [songs, dims] unit fingerprints of training songs, one per work; see Cohort. Empty: z is the
  /// cosine itself.
  std::vector<float> cohort;
  /// The alignment definition of the stored weights if it is not this program's; `fused` is then
  /// empty.
  std::string other_alignment;

  double log_odds_aligned(Aligner aligner, double cosine_similarity, double alignment,
                          std::int64_t query_frames, std::int64_t candidate_frames) const;
  double log_odds_unaligned(double z) const;
  bool has_weights_for(Aligner aligner) const { return !fused[static_cast<int>(aligner)].empty(); }
  /// Whether the stored weights belong to another alignment definition.
  bool outdated(Aligner aligner) const {
    return aligner != Aligner::qmax && !other_alignment.empty();
  }
};

/// The calibration stored in a model by calibrate(); empty without one. Weights for a different
/// alignment definition are dropped (see other_alignment).
ScoreCalibration calibration_of(const Model& model);

/// Throws InputError if there are no weights for this aligner, or only outdated ones.
void require_weights(const ScoreCalibration& calibration, Aligner aligner,
                     const std::string& model_name);

/// Fits the regressions of the first stage and of `aligners` on the top kRerank matches of the
/// protocol's queries; they stay empty unless these contain a version and another song. The cohort
/// is drawn from the set's train songs.
ScoreCalibration fit_calibration(Backend& backend, const SongSet& set, const Protocol& protocol,
                                 Fingerprinter& method, std::span<const Aligner> aligners);

/// Sets the log odds of matches from their cosines. queries: those the index was searched with.
void set_log_odds(Backend& backend, const ScoreCalibration& calibration,
                  const Fingerprints& queries, const Index& index,
                  std::vector<std::vector<Match>>& matches);

/// Re-ranks: aligns the top k matches of each query and sorts them by log odds, stably; the rest
/// follow unchanged. songs: the queries, as song numbers of `asked`; candidates: song numbers of
/// `catalogue` that matches are positions in. The calibration must have weights for the aligner.
void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const ScoreCalibration& calibration, const RerankOptions& options,
            std::vector<std::vector<Match>>& matches);

/// Access to candidates that are not in memory, by position.
struct RerankCandidates {
  std::function<std::int64_t(std::int64_t position)> frames;
  /// The songs at these positions, in this order; distinct within a batch of queries.
  std::function<SongSet(std::span<const std::int64_t> positions)> songs;
};
void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const RerankCandidates& candidates, const ScoreCalibration& calibration,
            const RerankOptions& options, std::vector<std::vector<Match>>& matches);

/// The log odds of the top kRerank matches of each query, and whether each is a version.
std::vector<ScoredPair> score_first_stage(Backend& backend, const SongSet& set,
                                          const Protocol& protocol, Fingerprinter& method,
                                          const ScoreCalibration& calibration);

/// As evaluate(), with the top k matches of each query re-ranked.
Evaluation evaluate_reranked(Backend& backend, const SongSet& set, const Protocol& protocol,
                             Fingerprinter& method, const ScoreCalibration& calibration,
                             const RerankOptions& options);

}  // namespace reprise
