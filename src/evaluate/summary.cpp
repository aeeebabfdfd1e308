#include "evaluate/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <vector>

#include "reprise/error.h"

namespace reprise {
namespace {

// Lower ends of the buckets of melodic similarity; the last one includes 1.
constexpr double kBucketLow[] = {0, 0.25, 0.4, 0.6, 0.8};

std::vector<Bucket> similarity_buckets(const SongSet& set, const Protocol& protocol,
                                       std::span<const double> average_precision) {
  std::vector<Bucket> buckets;
  if (set.melodic_similarity.empty()) return buckets;
  for (std::size_t b = 0; b < std::size(kBucketLow); ++b)
    buckets.push_back({kBucketLow[b], b + 1 < std::size(kBucketLow) ? kBucketLow[b + 1] : 1, 0, 0});
  for (std::size_t i = 0; i < protocol.queries.size(); ++i) {
    const float similarity = set.melodic_similarity[protocol.candidates[protocol.queries[i]]];
    if (std::isnan(similarity)) continue;
    const auto after =
        std::upper_bound(std::begin(kBucketLow), std::end(kBucketLow), double{similarity}) -
        std::begin(kBucketLow);
    Bucket& bucket = buckets[std::max<std::ptrdiff_t>(after - 1, 0)];
    bucket.queries += 1;
    bucket.map += average_precision[i];
  }
  for (Bucket& bucket : buckets)
    if (bucket.queries > 0) bucket.map /= static_cast<double>(bucket.queries);
  return buckets;
}

Accuracy mean_accuracy(std::span<const std::vector<std::int64_t>> ranks) {
  Accuracy mean;
  for (const std::vector<std::int64_t>& query : ranks) {
    const Accuracy one = query_accuracy(query);
    mean.map += one.map;
    mean.mr1 += one.mr1;
    mean.p1 += one.p1;
    mean.p10 += one.p10;
    mean.r5 += one.r5;
  }
  for (double* value : {&mean.map, &mean.mr1, &mean.p1, &mean.p10, &mean.r5})
    *value /= static_cast<double>(ranks.size());
  return mean;
}

// Throws Error naming the song where one is not finite.
Fingerprints finite_fingerprints(Fingerprinter& method, const SongSet& set,
                                 std::span<const std::int64_t> songs, Keys keys,
                                 Evaluation& evaluation) {
  const Clock::time_point start = Clock::now();
  Fingerprints result = method.compute(set, songs, keys);
  const std::size_t per_song = std::max<std::size_t>(1, std::size_t(result.keys) * result.dims);
  for (std::size_t i = 0; i < result.values.size(); ++i)
    if (!std::isfinite(result.values[i]))
      throw InputError(fmt::format("{}: the fingerprint of song '{}' by {} is not finite", set.path,
                                   set.song_id[songs[i / per_song]], method.name()));
  evaluation.fingerprint_seconds += seconds_since(start);
  return result;
}

// The work of each query.
std::vector<std::string_view> query_works(const SongSet& set, const Protocol& protocol) {
  std::vector<std::string_view> works;
  for (const std::int64_t query : protocol.queries)
    works.push_back(set.work_id[protocol.candidates[query]]);
  return works;
}

}  // namespace

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Evaluation begin_evaluation(const Fingerprinter& method, const Protocol& protocol) {
  Evaluation evaluation;
  evaluation.name = method.name();
  evaluation.dims = method.dims();
  evaluation.queries = static_cast<std::int64_t>(protocol.queries.size());
  evaluation.candidates = static_cast<std::int64_t>(protocol.candidates.size());
  return evaluation;
}

Fingerprints candidate_fingerprints(Fingerprinter& method, const SongSet& set,
                                    const Protocol& protocol, Evaluation& evaluation) {
  return finite_fingerprints(method, set, protocol.candidates, Keys::candidate, evaluation);
}

void for_each_query_block(Fingerprinter& method, const SongSet& set, const Protocol& protocol,
                          Evaluation& evaluation,
                          const std::function<void(std::int64_t, Fingerprints)>& visit) {
  constexpr std::int64_t kScores = 1 << 24;
  constexpr std::int64_t kQueries = 512;
  const std::int64_t block = std::clamp<std::int64_t>(kScores / evaluation.candidates, 1, kQueries);
  for (std::int64_t first = 0; first < evaluation.queries; first += block) {
    std::vector<std::int64_t> songs;
    for (std::int64_t i = first; i < std::min(first + block, evaluation.queries); ++i)
      songs.push_back(protocol.candidates[protocol.queries[i]]);
    visit(first, finite_fingerprints(method, set, songs, Keys::query, evaluation));
  }
}

std::vector<std::vector<Match>> other_answers(const Index& index, const Fingerprints& queries,
                                              const Protocol& protocol, std::int64_t first,
                                              std::int64_t top) {
  auto matches = index.search(queries, static_cast<int>(std::min(top + 1, index.size())));
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const std::int64_t query = protocol.queries[first + static_cast<std::int64_t>(i)];
    std::erase_if(matches[i], [&](const Match& m) { return m.candidate == query; });
    matches[i].resize(std::min(matches[i].size(), static_cast<std::size_t>(top)));
  }
  return matches;
}

void summarise(const SongSet& set, const Protocol& protocol, Evaluation& evaluation) {
  for (const std::vector<std::int64_t>& ranks : evaluation.ranks)
    evaluation.average_precision.push_back(query_accuracy(ranks).map);
  evaluation.accuracy = mean_accuracy(evaluation.ranks);
  evaluation.map_interval =
      bootstrap_interval(evaluation.average_precision, query_works(set, protocol));
  evaluation.buckets = similarity_buckets(set, protocol, evaluation.average_precision);
}

Gain gain_over(const SongSet& set, const Protocol& protocol, const Evaluation& method,
               const Evaluation& other) {
  std::vector<double> differences(method.average_precision.size());
  std::transform(method.average_precision.begin(), method.average_precision.end(),
                 other.average_precision.begin(), differences.begin(), std::minus<>());
  return {other.name, method.accuracy.map - other.accuracy.map,
          bootstrap_interval(differences, query_works(set, protocol))};
}

}  // namespace reprise
