#include <fmt/format.h>

#include <algorithm>

#include "evaluate/summary.h"
#include "reprise/rerank.h"

namespace reprise {

Evaluation evaluate_reranked(Backend& backend, const SongSet& set, const Protocol& protocol,
                             FingerprintMethod& method, const Confidence& confidence,
                             const RerankOptions& options) {
  Evaluation result;
  result.name = fmt::format("{} + {} of {}", method.name(), name_of(options.aligner), options.k);
  result.dims = method.dims();
  result.queries = static_cast<std::int64_t>(protocol.queries.size());
  result.candidates = static_cast<std::int64_t>(protocol.candidates.size());

  Clock::time_point start = Clock::now();
  Fingerprints fingerprints =
      finite_fingerprints(method, set, protocol.candidates, Keys::candidate);
  result.fingerprint_seconds += seconds_since(start);
  start = Clock::now();
  const Index index(backend, std::move(fingerprints));
  result.search_seconds += seconds_since(start);

  const std::int64_t block = query_block(result.candidates);
  for (std::int64_t first = 0; first < result.queries; first += block) {
    const std::int64_t count = std::min(block, result.queries - first);
    std::vector<std::int64_t> songs;
    for (std::int64_t i = first; i < first + count; ++i)
      songs.push_back(protocol.candidates[protocol.queries[i]]);
    start = Clock::now();
    const Fingerprints queries = finite_fingerprints(method, set, songs, Keys::query);
    result.fingerprint_seconds += seconds_since(start);

    start = Clock::now();
    auto matches = index.search(queries, static_cast<int>(result.candidates));
    for (std::int64_t i = 0; i < count; ++i)
      std::erase_if(matches[i],
                    [&](const Match& m) { return m.candidate == protocol.queries[first + i]; });
    result.search_seconds += seconds_since(start);

    start = Clock::now();
    rerank(backend, set, songs, set, protocol.candidates, confidence, options, matches);
    result.rerank_seconds += seconds_since(start);

    for (std::int64_t i = 0; i < count; ++i) {
      const std::vector<std::int64_t>& versions = protocol.versions[first + i];
      std::vector<std::int64_t>& ranks = result.ranks.emplace_back();
      result.first_answers.push_back(matches[i].front().candidate);
      for (std::size_t at = 0; at < matches[i].size(); ++at) {
        const Match& match = matches[i][at];
        const bool version = std::binary_search(versions.begin(), versions.end(), match.candidate);
        if (version) ranks.push_back(static_cast<std::int64_t>(at) + 1);
        if (at < static_cast<std::size_t>(options.k))
          result.judgements.push_back({match.log_odds, version});
      }
    }
  }
  summarise(set, protocol, result);
  return result;
}

}  // namespace reprise
