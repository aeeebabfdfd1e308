#include "reprise/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "core/linear_algebra.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

// Queries are looked up in blocks that bound the memory of their scores.
constexpr std::int64_t kScores = 1 << 24;
constexpr std::int64_t kQueries = 512;

// Pairs that are no versions, sampled for each query.
constexpr int kOthers = 16;
constexpr std::uint64_t kOthersSeed = 1;

// Lower ends of the buckets of melodic similarity; the last one includes 1.
constexpr double kBucketLow[] = {0, 0.25, 0.4, 0.6, 0.8};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Fingerprints finite_fingerprints(FingerprintMethod& method, const SongSet& set,
                                 std::span<const std::int64_t> songs, Keys keys) {
  Fingerprints result = method.compute(set, songs, keys);
  const std::size_t per_song = std::max<std::size_t>(1, std::size_t(result.keys) * result.dims);
  for (std::size_t i = 0; i < result.values.size(); ++i)
    if (!std::isfinite(result.values[i]))
      throw Error(fmt::format("{}: the fingerprint of song '{}' by {} is not finite", set.path,
                              set.song_id[songs[i / per_song]], method.name()));
  return result;
}

// Vectors [count, dims] whose inner products are similarities. The Euclidean metric takes one more
// dimension: -|q - c|^2 = [2q, -|q|^2] . [c, 1] - |c|^2, the last term being the candidate's bias.
struct Vectors {
  std::vector<float> values;
  std::vector<float> bias;  // [count], of Euclidean candidates
  int dims = 0;
};

enum class Side : std::uint8_t { query, candidate };

Vectors as_inner_product(Fingerprints fingerprints, Metric metric, Side side) {
  const int dims = fingerprints.dims;
  if (metric == Metric::cosine) {
    scale_to_unit(fingerprints.values, dims);
    return {std::move(fingerprints.values), {}, dims};
  }
  Vectors result{{}, {}, dims + 1};
  for (std::size_t first = 0; first < fingerprints.values.size(); first += dims) {
    double square = 0;
    for (int d = 0; d < dims; ++d) {
      const float value = fingerprints.values[first + d];
      square += double{value} * value;
      result.values.push_back(side == Side::query ? 2 * value : value);
    }
    const auto negative = static_cast<float>(-square);
    result.values.push_back(side == Side::query ? negative : 1);
    if (side == Side::candidate) result.bias.push_back(negative);
  }
  return result;
}

// Similarities of queries to all candidates, which lie in the back end's memory.
class Candidates {
 public:
  Candidates(Backend& backend, Fingerprints fingerprints, Metric metric)
      : backend_(backend),
        metric_(metric),
        count_(fingerprints.songs),
        vectors_(as_inner_product(std::move(fingerprints), metric, Side::candidate)),
        values_(backend, std::span<const float>(vectors_.values)),
        bias_(backend, std::span<const float>(vectors_.bias)) {
    vectors_.values = {};
  }

  // [queries, candidates], the best key of each.
  std::vector<float> similarities(Fingerprints queries) const {
    const std::int64_t count = queries.songs;
    const int keys = queries.keys;
    const Vectors vectors = as_inner_product(std::move(queries), metric_, Side::query);
    if (vectors.dims != vectors_.dims)
      throw Error(fmt::format("evaluation: queries have {} dimensions, candidates {}", vectors.dims,
                              vectors_.dims));
    const Buffer<float> q(backend_, std::span<const float>(vectors.values));
    Buffer<float> out(backend_, count * count_);
    backend_.similarities(q.data(), count, keys, values_.data(), count_, vectors.dims,
                          vectors_.bias.empty() ? nullptr : bias_.data(), out.data());
    return out.download();
  }

 private:
  Backend& backend_;
  Metric metric_;
  std::int64_t count_;
  Vectors vectors_;
  Buffer<float> values_;
  Buffer<float> bias_;
};

// Ranks from 1, ascending, of versions among all candidates but the query itself.
std::vector<std::int64_t> version_ranks(std::span<const float> scores, std::int64_t query,
                                        std::span<const std::int64_t> versions) {
  std::vector<std::int64_t> ranks;
  for (const std::int64_t version : versions) {
    const float score = scores[version];
    const auto ahead = [&](std::int64_t c) {
      return c < version ? scores[c] >= score : scores[c] > score;
    };
    std::int64_t rank = 1;
    for (std::int64_t c = 0; c < version; ++c) rank += scores[c] >= score;
    for (auto c = static_cast<std::size_t>(version) + 1; c < scores.size(); ++c)
      rank += scores[c] > score;
    ranks.push_back(rank - ahead(query));
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

// Scores of candidates drawn at random, but for the query and its versions.
void sample_others(std::span<const float> scores, std::int64_t query,
                   std::span<const std::int64_t> versions, std::vector<float>& sample) {
  Random random(Random::derive(kOthersSeed, static_cast<std::uint64_t>(query)));
  for (int i = 0; i < kOthers; ++i) {
    const std::int64_t other = random.below(static_cast<std::uint32_t>(scores.size()));
    if (other != query && !std::binary_search(versions.begin(), versions.end(), other))
      sample.push_back(scores[other]);
  }
}

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

}  // namespace

Evaluation evaluate(Backend& backend, const SongSet& set, const Protocol& protocol,
                    FingerprintMethod& method) {
  Evaluation result;
  result.name = method.name();
  result.dims = method.dims();
  result.queries = static_cast<std::int64_t>(protocol.queries.size());
  result.candidates = static_cast<std::int64_t>(protocol.candidates.size());

  auto start = std::chrono::steady_clock::now();
  Fingerprints fingerprints =
      finite_fingerprints(method, set, protocol.candidates, Keys::candidate);
  result.fingerprint_seconds += seconds_since(start);
  start = std::chrono::steady_clock::now();
  const Candidates candidates(backend, std::move(fingerprints), method.metric());
  result.search_seconds += seconds_since(start);

  const std::int64_t block = std::clamp<std::int64_t>(kScores / result.candidates, 1, kQueries);
  for (std::int64_t first = 0; first < result.queries; first += block) {
    const std::int64_t count = std::min(block, result.queries - first);
    std::vector<std::int64_t> songs;
    for (std::int64_t i = first; i < first + count; ++i)
      songs.push_back(protocol.candidates[protocol.queries[i]]);
    start = std::chrono::steady_clock::now();
    Fingerprints queries = finite_fingerprints(method, set, songs, Keys::query);
    result.fingerprint_seconds += seconds_since(start);

    start = std::chrono::steady_clock::now();
    const std::vector<float> scores = candidates.similarities(std::move(queries));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<const float> of_query(scores.data() + i * result.candidates,
                                            static_cast<std::size_t>(result.candidates));
      const std::int64_t query = protocol.queries[first + i];
      const std::vector<std::int64_t>& versions = protocol.versions[first + i];
      result.ranks.push_back(version_ranks(of_query, query, versions));
      for (const std::int64_t version : versions)
        result.version_scores.push_back(of_query[version]);
      sample_others(of_query, query, versions, result.other_scores);
    }
    result.search_seconds += seconds_since(start);
  }

  std::vector<std::string_view> works;
  for (std::size_t i = 0; i < protocol.queries.size(); ++i) {
    result.average_precision.push_back(query_accuracy(result.ranks[i]).map);
    works.push_back(set.work_id[protocol.candidates[protocol.queries[i]]]);
  }
  result.accuracy = mean_accuracy(result.ranks);
  result.map_interval = bootstrap_interval(result.average_precision, works);
  result.buckets = similarity_buckets(set, protocol, result.average_precision);
  return result;
}

}  // namespace reprise
