#include "reprise/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/linear_algebra.h"
#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

Fingerprints unit(Fingerprints fingerprints) {
  scale_to_unit(fingerprints.values, fingerprints.dims);
  return fingerprints;
}

}  // namespace

Index::Index(Backend& backend, Fingerprints candidates)
    : backend_(backend),
      candidates_(unit(std::move(candidates))),
      vectors_(backend, std::span<const float>(candidates_.values)) {
  if (candidates_.keys != 1)
    throw Error(
        fmt::format("index: expected candidates in one key each, found {} keys", candidates_.keys));
  candidates_.values = {};
}

std::vector<std::vector<Match>> Index::search(const Fingerprints& queries, int top) const {
  if (queries.songs > 0 && size() > 0 && queries.dims != candidates_.dims)
    throw Error(fmt::format("index: expected queries of {} values, found {}", candidates_.dims,
                            queries.dims));
  std::vector<std::vector<Match>> matches(static_cast<std::size_t>(queries.songs));
  const int k = static_cast<int>(std::min<std::int64_t>(top, size()));
  if (k <= 0 || queries.songs == 0) return matches;

  std::vector<float> values = queries.values;
  scale_to_unit(values, queries.dims);
  const Buffer<float> q(backend_, std::span<const float>(values));
  Buffer<std::int64_t> ids(backend_, queries.songs * k);
  Buffer<float> scores(backend_, queries.songs * k);
  Buffer<std::int32_t> keys(backend_, queries.songs * k);
  backend_.top_k(q.data(), queries.songs, queries.keys, vectors_.data(), size(), queries.dims, k,
                 ids.data(), scores.data(), keys.data());

  const std::vector<std::int64_t> found = ids.download();
  const std::vector<float> score = scores.download();
  const std::vector<std::int32_t> key = keys.download();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] < 0) continue;
    const std::size_t query = i / k;
    // Both were rolled before they matched: the query has to follow the difference.
    const int roll = queries.rolls[query * queries.keys + key[i]] - candidates_.rolls[found[i]];
    matches[query].push_back(
        {found[i], score[i], (roll % kPitchClasses + kPitchClasses) % kPitchClasses});
  }
  return matches;
}

}  // namespace reprise
