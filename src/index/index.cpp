#include "reprise/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/linear_algebra.h"
#include "core/pieces.h"
#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

// Songs that the source is asked for at once.
constexpr std::int64_t kSongsAtOnce = 8192;
// Device memory left to a search: 50 MB for 4096 queries of 12 x 256 values in fp32 and as much for
// their scan, 64 MB for results, up to 34 MB for lists on 132 multiprocessors; the rest for more
// queries. A quarter of what is free where that is less.
constexpr std::size_t kSearchMemory = std::size_t{1} << 30;
// Below it a search would only send slices about.
constexpr std::int64_t kSmallestSlice = 1024;

// Scales vectors to length 1. Throws Error where one is not finite; `first` counts for its message.
void scale_finite_to_unit(std::span<float> values, int dims, std::int64_t first, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw InputError(fmt::format("index: {} {}: expected finite values, found {}", what,
                                   first + static_cast<std::int64_t>(i) / dims, values[i]));
  scale_to_unit(values, dims);
}

Index::Source source_of(const Fingerprints& candidates) {
  if (candidates.keys != 1)
    throw InputError(
        fmt::format("index: expected candidates in one key each, found {} keys", candidates.keys));
  return [&](std::int64_t first, std::span<float> values, std::span<std::int32_t> rolls) {
    std::copy_n(candidates.values.data() + first * candidates.dims, values.size(), values.data());
    std::copy_n(candidates.rolls.data() + first, rolls.size(), rolls.data());
  };
}

// Songs whose vectors and scan fit in the memory that a device has free, beside a search's own:
// all, or as many as fit twice.
std::int64_t songs_that_fit(const Backend& backend, std::int64_t songs, int dims,
                            ScanFormat format) {
  if (backend.host_memory()) return songs;
  const std::size_t left = backend.free_memory();
  const std::size_t budget = left - std::min(left / 4, kSearchMemory);
  const auto fit = [&](std::int64_t count, int times) {
    return times * (static_cast<std::size_t>(count) * dims * sizeof(float) +
                    backend.scan_bytes(count, dims, format)) <=
           budget;
  };
  if (fit(songs, 1)) return songs;
  std::int64_t most = 0;  // that are known to fit
  for (std::int64_t too_many = songs; too_many - most > 1;) {
    const std::int64_t middle = most + (too_many - most) / 2;
    (fit(middle, 2) ? most : too_many) = middle;
  }
  if (most < std::min(songs, kSmallestSlice))
    throw OutOfMemory(fmt::format(
        "index: out of device memory: expected room for two slices of {} of the {} songs, found "
        "{:.1f} MB free, where {} songs of {} values fit twice: free memory of the device",
        std::min(songs, kSmallestSlice), songs, static_cast<double>(left) * 1e-6, most, dims));
  return most;
}

}  // namespace

Index::Index(Backend& backend, std::int64_t songs, int dims, ScanFormat format,
             const Source& source)
    : backend_(backend),
      dims_(dims),
      format_(format),
      rolls_(static_cast<std::size_t>(songs)),
      songs_at_once_(songs_that_fit(backend, songs, dims, format)),
      host_(backend, songs_at_once_ < songs ? songs * dims : 0) {
  const bool sliced = songs_at_once_ < songs;
  for (int i = 0; i < (sliced ? 2 : 1); ++i)
    device_->slices.push_back(
        {Buffer<float>(backend, songs_at_once_ * dims),
         Buffer<std::uint8_t>(backend, static_cast<std::int64_t>(
                                           backend.scan_bytes(songs_at_once_, dims, format)))});
  Slice& all = device_->slices.front();
  std::vector<float> values(
      sliced ? 0 : static_cast<std::size_t>(std::min(songs, kSongsAtOnce)) * dims);
  for (std::int64_t first = 0; first < songs; first += kSongsAtOnce) {
    const std::int64_t count = std::min(kSongsAtOnce, songs - first);
    const std::span<float> some(sliced ? host_.data() + first * dims : values.data(),
                                static_cast<std::size_t>(count) * dims);
    source(first, some, std::span(rolls_).subspan(first, count));
    scale_finite_to_unit(some, dims, first, "candidate");
    if (!sliced) backend.upload(all.vectors.data() + first * dims, some.data(), some.size_bytes());
  }
  if (!sliced && all.scan.size() > 0)
    backend.run(ops::PrepareScan{.vectors = all.vectors.data(),
                                 .count = songs,
                                 .dims = dims,
                                 .format = format,
                                 .scan = all.scan.data()});
}

Index::Index(Backend& backend, const Fingerprints& candidates, ScanFormat format)
    : Index(backend, candidates.songs, candidates.dims, format, source_of(candidates)) {}

void Index::begin_upload(std::int64_t number) const {
  backend_.upload_ahead(place_of(number).vectors.data(),
                        host_.data() + number * songs_at_once_ * dims_,
                        static_cast<std::size_t>(slice_size(number)) * dims_ * sizeof(float));
}

// vectors: the queries', of length 1. Merges what it finds into `matches` of the slices before.
void Index::search_slice(std::int64_t number, const Fingerprints& queries,
                         std::span<const float> vectors, int k,
                         std::vector<std::vector<Match>>& matches) const {
  const Slice& slice = place_of(number);
  const std::int64_t row = std::int64_t{queries.keys} * dims_;
  in_pieces(queries.songs, [&](std::int64_t begin, std::int64_t count) {
    const Buffer<float> q(backend_, vectors.subspan(begin * row, count * row));
    Buffer<std::int64_t> ids(backend_, count * k);
    Buffer<float> scores(backend_, count * k);
    Buffer<std::int32_t> keys(backend_, count * k);
    backend_.run(ops::TopK{
        .q = q.data(),
        .queries = count,
        .keys = queries.keys,
        .candidates = {slice.vectors.data(), slice.scan.size() > 0 ? slice.scan.data() : nullptr,
                       format_, slice_size(number), dims_},
        .k = k,
        .ids = ids.data(),
        .scores = scores.data(),
        .best_key = keys.data()});
    const std::vector<std::int64_t> found = ids.download();
    const std::vector<float> score = scores.download();
    const std::vector<std::int32_t> key = keys.download();
    for (std::int64_t query = 0; query < count; ++query) {
      std::vector<Match>& best = matches[begin + query];
      const auto before = static_cast<std::ptrdiff_t>(best.size());
      for (std::int64_t i = query * k; i < (query + 1) * k && found[i] >= 0; ++i) {
        const std::int64_t candidate = number * songs_at_once_ + found[i];
        // Both were rolled before they matched: the query has to follow the difference.
        const int roll = queries.rolls[(begin + query) * queries.keys + key[i]] - rolls_[candidate];
        best.push_back(
            {candidate, score[i], (roll % kPitchClasses + kPitchClasses) % kPitchClasses});
      }
      // Stable: of equal scores the earlier slice's come first.
      std::inplace_merge(best.begin(), best.begin() + before, best.end(),
                         [](const Match& a, const Match& b) { return a.score > b.score; });
      if (best.size() > static_cast<std::size_t>(k)) best.resize(static_cast<std::size_t>(k));
    }
  });
}

std::vector<std::vector<Match>> Index::search(const Fingerprints& queries, int top) const {
  if (queries.songs > 0 && size() > 0 && queries.dims != dims_)
    throw InputError(
        fmt::format("index: expected queries of {} values, found {}", dims_, queries.dims));
  std::vector<std::vector<Match>> matches(static_cast<std::size_t>(queries.songs));
  const int k = static_cast<int>(std::min<std::int64_t>(top, size()));
  if (k <= 0 || queries.songs == 0) return matches;

  std::vector<float> vectors = queries.values;
  scale_finite_to_unit(vectors, queries.dims, 0, "query vector");
  const auto in_use = use_device();
  const bool sliced = slices() > 1;
  if (sliced) begin_upload(0);
  for (std::int64_t number = 0; number < slices(); ++number) {
    if (sliced) {
      backend_.await_uploads();
      if (number + 1 < slices()) begin_upload(number + 1);
      const Slice& slice = place_of(number);
      if (slice.scan.size() > 0)
        backend_.run(ops::PrepareScan{.vectors = slice.vectors.data(),
                                      .count = slice_size(number),
                                      .dims = dims_,
                                      .format = format_,
                                      .scan = place_of(number).scan.data()});
    }
    try {
      search_slice(number, queries, vectors, k, matches);
    } catch (...) {
      backend_.await_uploads();  // of a slice that may be gone next
      throw;
    }
  }
  return matches;
}

Fingerprints Index::candidates(std::span<const std::int64_t> positions) const {
  const int dims = dims_;
  const auto in_use = use_device();
  Fingerprints some;
  some.songs = static_cast<std::int64_t>(positions.size());
  some.dims = dims;
  some.values.resize(positions.size() * static_cast<std::size_t>(dims));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (host_.size() == 0) {
      backend_.download(&some.values[i * dims], place_of(0).vectors.data() + positions[i] * dims,
                        static_cast<std::size_t>(dims) * sizeof(float));
    } else {
      std::copy_n(host_.data() + positions[i] * dims, dims, &some.values[i * dims]);
    }
    some.rolls.push_back(rolls_[positions[i]]);
  }
  return some;
}

}  // namespace reprise
