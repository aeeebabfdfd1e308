#include <fmt/format.h>

#include <algorithm>

#include "evaluate/summary.h"
#include "reprise/rerank.h"

namespace reprise {
namespace {

void add_judgements(std::span<const Match> matches, std::span<const std::int64_t> versions,
                    std::vector<ScoredPair>& scored_pairs) {
  for (const Match& match : matches)
    scored_pairs.push_back(
        {match.log_odds, std::binary_search(versions.begin(), versions.end(), match.candidate)});
}

}  // namespace

std::vector<ScoredPair> score_first_stage(Backend& backend, const SongSet& set,
                                          const Protocol& protocol, Fingerprinter& method,
                                          const ScoreCalibration& calibration) {
  Evaluation unused = begin_evaluation(method, protocol);
  const Index index(backend, candidate_fingerprints(method, set, protocol, unused));
  std::vector<ScoredPair> scored_pairs;
  const auto look_up = [&](std::int64_t first, const Fingerprints& queries) {
    auto matches = other_answers(index, queries, protocol, first, kRerank);
    set_log_odds(backend, calibration, queries, index, matches);
    for (std::size_t i = 0; i < matches.size(); ++i)
      add_judgements(matches[i], protocol.versions[first + i], scored_pairs);
  };
  for_each_query_block(method, set, protocol, unused, look_up);
  return scored_pairs;
}

Evaluation evaluate_reranked(Backend& backend, const SongSet& set, const Protocol& protocol,
                             Fingerprinter& method, const ScoreCalibration& calibration,
                             const RerankOptions& options) {
  Evaluation result = begin_evaluation(method, protocol);
  result.name = fmt::format("{} + {} of {}", method.name(), name_of(options.aligner), options.k);
  const Fingerprints candidates = candidate_fingerprints(method, set, protocol, result);
  Clock::time_point start = Clock::now();
  const Index index(backend, candidates);
  result.search_seconds += seconds_since(start);

  const auto look_up = [&](std::int64_t first, const Fingerprints& queries) {
    start = Clock::now();
    auto matches = other_answers(index, queries, protocol, first, result.candidates);
    result.search_seconds += seconds_since(start);

    start = Clock::now();
    std::vector<std::int64_t> songs;
    for (std::size_t i = 0; i < matches.size(); ++i)
      songs.push_back(protocol.candidates[protocol.queries[first + i]]);
    rerank(backend, set, songs, set, protocol.candidates, calibration, options, matches);
    result.rerank_seconds += seconds_since(start);

    for (std::size_t i = 0; i < matches.size(); ++i) {
      const std::span<const Match> answers(matches[i]);
      const std::vector<std::int64_t>& versions = protocol.versions[first + i];
      std::vector<std::int64_t>& ranks = result.ranks.emplace_back();
      result.first_answers.push_back(answers.front().candidate);
      for (std::size_t at = 0; at < answers.size(); ++at)
        if (std::binary_search(versions.begin(), versions.end(), answers[at].candidate))
          ranks.push_back(static_cast<std::int64_t>(at) + 1);
      const auto judged = std::min(answers.size(), static_cast<std::size_t>(options.k));
      add_judgements(answers.first(judged), versions, result.scored_pairs);
    }
  };
  for_each_query_block(method, set, protocol, result, look_up);
  summarise(set, protocol, result);
  return result;
}

}  // namespace reprise
