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

/// What scores of row_z and row_z_half mean, in a line: weights that were fitted to others are
/// wrong for them.
std::string alignment_definition();

/// First answers that the regressions are fitted on and that are re-ranked by default.
inline constexpr int kRerank = 100;

/// A second stage: the first k answers of each query are aligned with it.
struct RerankOptions {
  int k = kRerank;
  Aligner aligner = Aligner::row_z;
};

/// How sure: log odds that a candidate is a version of the query, from logistic regressions on
/// versions and others among the first answers to validation queries. The probability is
/// 1 / (1 + exp(-log odds)), for catalogues in which versions are as frequent as in that split.
struct ScoreCalibration {
  /// For each aligner [a, b, c, d, e] of F = a cos + b ln(1 + A) - c ln T_query - d ln T_candidate
  /// - e, A being the alignment score and T numbers of frames. Empty: unknown.
  std::vector<float> fused[kAligners];
  /// [a, b] of a z - b, of candidates that were not aligned: z is the cosine in standard deviations
  /// (see Cohort). Empty: unknown.
  std::vector<float> cosine;
  /// [songs, dims] unit fingerprints of training songs, a work each; see Cohort. Empty: z is the
  /// cosine as it is.
  std::vector<float> cohort;
  /// Definition of an alignment that the weights of `fused` were fitted to and that is not this
  /// program's, in which case they are left empty.
  std::string other_alignment;

  double log_odds_aligned(Aligner aligner, double cosine_similarity, double alignment,
                          std::int64_t query_frames, std::int64_t candidate_frames) const;
  double log_odds_unaligned(double z) const;
  bool has_weights_for(Aligner aligner) const { return !fused[static_cast<int>(aligner)].empty(); }
  /// Knew it in another version of the program.
  bool outdated(Aligner aligner) const {
    return aligner != Aligner::qmax && !other_alignment.empty();
  }
};

/// What calibrate() stored in the model; empty if it was not called (see calibrate.h). Weights of
/// the second stage that were fitted to a different alignment are left out (see other_alignment).
ScoreCalibration calibration_of(const Model& model);

/// Throws Error where there are no weights for this aligner's scores, or those of another version.
void require_weights(const ScoreCalibration& calibration, Aligner aligner,
                     const std::string& model_name);

/// Fits the regression of the first stage and those of `aligners` on a split with at least one
/// version and one other song among the first answers; else they stay empty. Uses the method's
/// cosines, the first kRerank answers of each query, and for the cohort the set's train songs.
ScoreCalibration fit_calibration(Backend& backend, const SongSet& set, const Protocol& protocol,
                                 Fingerprinter& method, std::span<const Aligner> aligners);

/// Sets the log odds of matches from their cosines. queries: what was looked up in the index.
void set_log_odds(Backend& backend, const ScoreCalibration& calibration,
                  const Fingerprints& queries, const Index& index,
                  std::vector<std::vector<Match>>& matches);

/// Aligns the first k answers of each query and orders them by fused score, ties as they were; the
/// others stay behind them as they are. songs: the queries, numbers of songs of `asked`;
/// candidates: numbers of songs of `catalogue`, which the matches are positions in. The calibration
/// must know the aligner.
void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const ScoreCalibration& calibration, const RerankOptions& options,
            std::vector<std::vector<Match>>& matches);

/// Candidates that are not in memory, by the positions that matches name.
struct RerankCandidates {
  std::function<std::int64_t(std::int64_t position)> frames;
  /// The songs at these positions, each asked for once among some queries, in this order.
  std::function<SongSet(std::span<const std::int64_t> positions)> songs;
};
void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const RerankCandidates& candidates, const ScoreCalibration& calibration,
            const RerankOptions& options, std::vector<std::vector<Match>>& matches);

/// How sure set_log_odds() is of the first kRerank answers of each query.
std::vector<ScoredPair> score_first_stage(Backend& backend, const SongSet& set,
                                          const Protocol& protocol, Fingerprinter& method,
                                          const ScoreCalibration& calibration);

/// As evaluate(), with the first k answers of each query re-ranked.
Evaluation evaluate_reranked(Backend& backend, const SongSet& set, const Protocol& protocol,
                             Fingerprinter& method, const ScoreCalibration& calibration,
                             const RerankOptions& options);

}  // namespace reprise
