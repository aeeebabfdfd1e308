#include "reprise/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/linear_algebra.h"
#include "evaluate/summary.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

// Pairs that are no versions, sampled for each query.
constexpr int kOthers = 16;
constexpr std::uint64_t kOthersSeed = 1;

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
class ScoredCandidates {
 public:
  ScoredCandidates(Backend& backend, Fingerprints fingerprints, Metric metric)
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
      throw InputError(fmt::format("evaluation: queries have {} dimensions, candidates {}",
                                   vectors.dims, vectors_.dims));
    const Buffer<float> q(backend_, std::span<const float>(vectors.values));
    Buffer<float> out(backend_, count * count_);
    backend_.run(ops::Similarities{.q = q.data(),
                                   .queries = count,
                                   .keys = keys,
                                   .c = values_.data(),
                                   .candidates = count_,
                                   .dims = vectors.dims,
                                   .bias = vectors_.bias.empty() ? nullptr : bias_.data(),
                                   .out = out.data()});
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

// The candidate of the highest score, but for the query itself.
std::int64_t best_candidate(std::span<const float> scores, std::int64_t query) {
  std::int64_t best = query == 0 ? 1 : 0;
  for (std::int64_t c = best + 1; c < static_cast<std::int64_t>(scores.size()); ++c)
    if (c != query && scores[c] > scores[best]) best = c;
  return best;
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

}  // namespace

Evaluation evaluate(Backend& backend, const SongSet& set, const Protocol& protocol,
                    Fingerprinter& method, const SongSet* query_set) {
  Evaluation result = begin_evaluation(method, protocol);
  Fingerprints fingerprints = candidate_fingerprints(method, set, protocol, result);
  Clock::time_point start = Clock::now();
  const ScoredCandidates candidates(backend, std::move(fingerprints), method.metric());
  result.search_seconds += seconds_since(start);

  const auto look_up = [&](std::int64_t first, Fingerprints queries) {
    start = Clock::now();
    const std::int64_t count = queries.songs;
    const std::vector<float> scores = candidates.similarities(std::move(queries));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<const float> of_query(scores.data() + i * result.candidates,
                                            static_cast<std::size_t>(result.candidates));
      const std::int64_t query = protocol.queries[first + i];
      const std::vector<std::int64_t>& versions = protocol.versions[first + i];
      result.ranks.push_back(version_ranks(of_query, query, versions));
      result.first_answers.push_back(best_candidate(of_query, query));
      for (const std::int64_t version : versions)
        result.version_scores.push_back(of_query[version]);
      sample_others(of_query, query, versions, result.other_scores);
    }
    result.search_seconds += seconds_since(start);
  };
  for_each_query_block(method, query_set ? *query_set : set, protocol, result, look_up);
  summarise(set, protocol, result);
  return result;
}

}  // namespace reprise
