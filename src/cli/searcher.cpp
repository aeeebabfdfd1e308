#include "cli/searcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

#include "cli/commands.h"
#include "reprise/calibrate.h"

namespace reprise::cli {

std::vector<CatalogueSong> songs_of(const SongSet& set) {
  std::vector<CatalogueSong> songs;
  for (std::int64_t i = 0; i < set.songs(); ++i)
    songs.push_back({i, set.song_id[i], set.work_id[i], set.title.empty() ? "" : set.title[i],
                     set.artist.empty() ? "" : set.artist[i], set.frames(i), 0,
                     set.frames_per_second});
  return songs;
}

std::vector<std::int64_t> first_numbers(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

Searcher::Searcher(Backend& backend, const Catalogue& catalogue, const SongFilter& filter,
                   Precision precision)
    : backend_(backend),
      catalogue_(&catalogue),
      name_(catalogue.identity().name),
      confidence_(confidence_of(catalogue.model())),
      method_(std::make_unique<ModelMethod>(backend, catalogue.model(), name_)),
      songs_(filter.of(catalogue.songs())),
      index_(std::make_unique<Index>(backend, static_cast<std::int64_t>(songs_.size()),
                                     method_->dims(), ScanPrecision::int8,
                                     catalogue.vectors(songs_, precision))) {
  tell_slices();
}

Searcher::Searcher(Backend& backend, const SongSet& set, const Model& model,
                   const std::string& model_name, const SongFilter& filter)
    : backend_(backend),
      set_(&set),
      name_(model_name),
      confidence_(confidence_of(model)),
      method_(std::make_unique<ModelMethod>(backend, model, name_)),
      songs_(filter.of(songs_of(set))) {
  std::vector<std::int64_t> numbers;
  for (const CatalogueSong& song : songs_) numbers.push_back(song.number);
  index_ = std::make_unique<Index>(backend, method_->compute(set, numbers, Keys::candidate));
  tell_slices();
}

void Searcher::tell_slices() const {
  if (index_->slices() > 1)
    fmt::print(stderr,
               "device: {} songs do not fit in its memory; each search goes through {} slices of at "
               "most {}\n",
               index_->size(), index_->slices(), index_->songs_at_once());
}

bool Searcher::is_sure(const RerankOptions& rerank) const {
  return rerank.k > 0 || !confidence_.cosine.empty();
}

std::size_t Searcher::at_once(const SearchOptions& options) {
  // Chroma of so many songs at most is read for re-ranking.
  constexpr int kSongs = 10'000;
  constexpr std::size_t kQueries = 1024;
  return options.rerank.k > 0 ? std::clamp<std::size_t>(kSongs / options.rerank.k, 1, kQueries)
                              : kQueries;
}

void Searcher::check(const RerankOptions& rerank) const {
  if (rerank.k == 0) return;
  require(confidence_, rerank.aligner, name_);
  if (catalogue_) catalogue_->check_chroma();
}

std::vector<std::vector<Match>> Searcher::find(const SongSet& asked,
                                               std::span<const std::int64_t> numbers,
                                               const SearchOptions& options) {
  return answer(method_->compute(asked, numbers, Keys::query), {}, asked, numbers, options);
}

std::vector<std::vector<Match>> Searcher::find_own(std::span<const CatalogueSong> asked,
                                                   const SearchOptions& options) {
  if (catalogue_) {
    const SongSet read = options.rerank.k > 0 ? catalogue_->song_set(asked) : SongSet();
    return answer(catalogue_->queries(asked, *method_), asked, read,
                  first_numbers(static_cast<std::int64_t>(asked.size())), options);
  }
  std::vector<std::int64_t> numbers;
  for (const CatalogueSong& song : asked) numbers.push_back(song.number);
  return answer(method_->compute(*set_, numbers, Keys::query), asked, *set_, numbers, options);
}

std::vector<std::vector<Match>> Searcher::answer(const Fingerprints& queries,
                                                 std::span<const CatalogueSong> own,
                                                 const SongSet& asked,
                                                 std::span<const std::int64_t> numbers,
                                                 const SearchOptions& options) {
  check(options.rerank);
  // One more than asked for: a song is no answer to itself.
  const int more = own.empty() ? 0 : 1;
  auto matches = index_->search(queries, std::max(options.top, options.rerank.k) + more);
  for (std::size_t q = 0; q < matches.size(); ++q)
    std::erase_if(matches[q], [&](const Match& m) {
      return double{m.score} < options.min_score ||
             (!own.empty() && songs_[m.candidate].number == own[q].number);
    });
  if (!confidence_.cosine.empty()) judge(backend_, confidence_, queries, *index_, matches);
  if (options.rerank.k > 0) rerank_some(asked, numbers, options.rerank, matches);
  for (std::vector<Match>& of_query : matches)
    if (of_query.size() > static_cast<std::size_t>(options.top)) of_query.resize(options.top);
  return matches;
}

void Searcher::rerank_some(const SongSet& asked, std::span<const std::int64_t> numbers,
                           const RerankOptions& options, std::vector<std::vector<Match>>& matches) {
  // Only the first answers' chroma is read; `loaded` says where each then is.
  std::vector<std::int64_t> loaded(songs_.size(), -1);
  std::vector<CatalogueSong> needed;
  for (const std::vector<Match>& of_query : matches)
    for (std::size_t i = 0; i < of_query.size() && i < static_cast<std::size_t>(options.k); ++i) {
      std::int64_t& at = loaded[of_query[i].candidate];
      if (at >= 0) continue;
      const CatalogueSong& song = songs_[of_query[i].candidate];
      at = set_ ? song.number : static_cast<std::int64_t>(needed.size());
      if (!set_) needed.push_back(song);
    }
  const SongSet read = set_ ? SongSet() : catalogue_->song_set(needed);
  reprise::rerank(backend_, asked, numbers, set_ ? *set_ : read, loaded, confidence_, options,
                  matches);
}

}  // namespace reprise::cli
