#include "reprise/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/linear_algebra.h"
#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

// Songs that the source is asked for at once.
constexpr std::int64_t kSongsAtOnce = 8192;

// Scales vectors to length 1. Throws Error where one is not finite; `first` counts for its message.
void scale_finite_to_unit(std::span<float> values, int dims, std::int64_t first, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw Error(fmt::format("index: {} {}: expected finite values, found {}", what,
                              first + static_cast<std::int64_t>(i) / dims, values[i]));
  scale_to_unit(values, dims);
}

Index::Source source_of(const Fingerprints& candidates) {
  if (candidates.keys != 1)
    throw Error(
        fmt::format("index: expected candidates in one key each, found {} keys", candidates.keys));
  return [&](std::int64_t first, std::span<float> values, std::span<std::int32_t> rolls) {
    std::copy_n(candidates.values.data() + first * candidates.dims, values.size(), values.data());
    std::copy_n(candidates.rolls.data() + first, rolls.size(), rolls.data());
  };
}

}  // namespace

Index::Index(Backend& backend, std::int64_t songs, int dims, ScanPrecision precision,
             const Source& source)
    : backend_(backend),
      dims_(dims),
      precision_(precision),
      rolls_(static_cast<std::size_t>(songs)),
      vectors_(backend, songs * dims),
      scan_(backend, static_cast<std::int64_t>(backend.scan_bytes(songs, dims, precision))) {
  std::vector<float> values(static_cast<std::size_t>(std::min(songs, kSongsAtOnce)) * dims);
  for (std::int64_t first = 0; first < songs; first += kSongsAtOnce) {
    const std::int64_t count = std::min(kSongsAtOnce, songs - first);
    const std::span<float> some(values.data(), static_cast<std::size_t>(count) * dims);
    source(first, some, std::span(rolls_).subspan(first, count));
    scale_finite_to_unit(some, dims, first, "candidate");
    backend.upload(vectors_.data() + first * dims, some.data(), some.size_bytes());
  }
  if (scan_.size() > 0) backend.prepare_scan(vectors_.data(), songs, dims, precision, scan_.data());
}

Index::Index(Backend& backend, const Fingerprints& candidates, ScanPrecision precision)
    : Index(backend, candidates.songs, candidates.dims, precision, source_of(candidates)) {}

std::vector<std::vector<Match>> Index::search(const Fingerprints& queries, int top) const {
  if (queries.songs > 0 && size() > 0 && queries.dims != dims_)
    throw Error(fmt::format("index: expected queries of {} values, found {}", dims_, queries.dims));
  std::vector<std::vector<Match>> matches(static_cast<std::size_t>(queries.songs));
  const int k = static_cast<int>(std::min<std::int64_t>(top, size()));
  if (k <= 0 || queries.songs == 0) return matches;

  std::vector<float> values = queries.values;
  scale_finite_to_unit(values, queries.dims, 0, "query vector");
  const Buffer<float> q(backend_, std::span<const float>(values));
  Buffer<std::int64_t> ids(backend_, queries.songs * k);
  Buffer<float> scores(backend_, queries.songs * k);
  Buffer<std::int32_t> keys(backend_, queries.songs * k);
  backend_.top_k(
      q.data(), queries.songs, queries.keys,
      {vectors_.data(), scan_.size() > 0 ? scan_.data() : nullptr, precision_, size(), dims_}, k,
      ids.data(), scores.data(), keys.data());

  const std::vector<std::int64_t> found = ids.download();
  const std::vector<float> score = scores.download();
  const std::vector<std::int32_t> key = keys.download();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] < 0) continue;
    const std::size_t query = i / k;
    // Both were rolled before they matched: the query has to follow the difference.
    const int roll = queries.rolls[query * queries.keys + key[i]] - rolls_[found[i]];
    matches[query].push_back(
        {found[i], score[i], (roll % kPitchClasses + kPitchClasses) % kPitchClasses});
  }
  return matches;
}

Fingerprints Index::candidates(std::span<const std::int64_t> positions) const {
  const int dims = dims_;
  Fingerprints some;
  some.songs = static_cast<std::int64_t>(positions.size());
  some.dims = dims;
  some.values.resize(positions.size() * static_cast<std::size_t>(dims));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    backend_.download(&some.values[i * dims], vectors_.data() + positions[i] * dims,
                      static_cast<std::size_t>(dims) * sizeof(float));
    some.rolls.push_back(rolls_[positions[i]]);
  }
  return some;
}

}  // namespace reprise
