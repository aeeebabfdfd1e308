#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// Retrieval accuracy, averaged over queries.
struct Accuracy {
  double map = 0;  ///< mean average precision over all R other versions: (1/R) sum_k k / rank_k
  double mr1 = 0;  ///< mean rank of the first version, from 1
  double p1 = 0;   ///< proportion of queries whose top candidate is a version
  double p10 = 0;  ///< versions among the first ten / 10
  double r5 = 0;   ///< versions among the first five / R
};

/// Accuracy of one query from the ascending ranks (from 1) of its versions.
Accuracy query_accuracy(std::span<const std::int64_t> version_ranks);

struct Interval {
  double low = 0;
  double high = 0;
};

/// 95 % percentile bootstrap interval of the mean of `values`, resampling whole groups (works), as
/// queries of one work are not independent. Deterministic.
Interval bootstrap_interval(std::span<const double> values,
                            std::span<const std::string_view> groups, int resamples = 2000);

/// MAP of the queries whose melodic similarity to their closest version lies in [low, high); the
/// last bucket includes its end.
struct Bucket {
  double low = 0;
  double high = 0;
  std::int64_t queries = 0;
  double map = 0;
};

/// Queries and candidates: leave one out within a split, with the `noise` songs as further
/// candidates.
struct Protocol {
  std::string split;
  std::vector<std::int64_t> candidates;  ///< song numbers, ascending
  std::vector<std::int64_t> queries;     ///< positions in `candidates` that have another version
  std::vector<std::vector<std::int64_t>> versions;  ///< of each query: positions in `candidates`
};

/// Throws InputError if the split has no song, or no work with two versions.
Protocol make_protocol(const SongSet& set, std::string_view split);

/// The set with every query of the protocol cropped to at most `frames` frames, at a random but
/// fixed position. Song numbers are unchanged.
SongSet with_excerpts(const SongSet& set, const Protocol& protocol, std::int32_t frames);

/// The log odds of a (query, candidate) pair, and whether it is a version.
struct ScoredPair {
  double log_odds = 0;
  bool version = false;
};

/// How well calibrated probabilities are.
struct Reliability {
  /// Scored pairs of probability [low, high); the last bin includes 1.
  struct Bin {
    double low = 0;
    double high = 0;
    std::int64_t pairs = 0;
    double expected = 0;  ///< mean probability
    double observed = 0;  ///< proportion of versions
  };
  std::int64_t pairs = 0;
  double brier = 0;           ///< mean squared difference of probability and outcome (Brier 1950)
  double expected_error = 0;  ///< mean over pairs of |expected - observed| of their bins (ECE)
  std::vector<Bin> bins;      ///< ten of equal width
};

Reliability reliability(std::span<const ScoredPair> scored_pairs);

/// The gain in MAP over another method, on the same queries.
struct Gain {
  std::string over;  ///< name of the other method; empty if none
  double map = 0;
  Interval interval;  ///< 95 %: paired bootstrap over works
};

struct Evaluation {
  std::string name;
  int dims = 0;
  std::int64_t queries = 0;
  std::int64_t candidates = 0;
  Accuracy accuracy;
  Interval map_interval;
  std::vector<double> average_precision;         ///< of each query of the protocol
  std::vector<std::vector<std::int64_t>> ranks;  ///< of each query: ranks of its versions
  std::vector<std::int64_t> first_answers;       ///< of each query: position of the best candidate
  std::vector<Bucket> buckets;                   ///< empty if similarity is unknown
  std::vector<float> version_scores;             ///< similarity of every (query, version) pair
  std::vector<float> other_scores;               ///< of a fixed sample of (query, other) pairs
  double fingerprint_seconds = 0;
  double search_seconds = 0;
  double rerank_seconds = 0;  ///< time of the second stage; 0 without one
  /// Every pair that was re-ranked; for the first stage see score_first_stage().
  std::vector<ScoredPair> scored_pairs;
  Gain gain;  ///< of the second stage over the first
};

/// Ranks by descending similarity, ties by ascending position in the file. `queries`: the set that
/// queries are taken from, if not `set` itself (see with_excerpts).
Evaluation evaluate(Backend& backend, const SongSet& set, const Protocol& protocol,
                    Fingerprinter& method, const SongSet* queries = nullptr);

/// Both evaluations must be of the same protocol.
Gain gain_over(const SongSet& set, const Protocol& protocol, const Evaluation& method,
               const Evaluation& other);

/// The JSON of `reprise evaluate --json`.
std::string evaluation_json(const std::string& data, const Protocol& protocol,
                            std::span<const Evaluation> evaluations);

}  // namespace reprise
