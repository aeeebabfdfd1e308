#include "reprise/searcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/logistic.h"
#include "reprise/error.h"

namespace reprise {
namespace {

/// The songs of a set in the form in which those of a catalogue are known.
std::vector<CatalogueSong> songs_of(const SongSet& set) {
  std::vector<CatalogueSong> songs;
  songs.reserve(static_cast<std::size_t>(set.songs()));
  for (std::int64_t i = 0; i < set.songs(); ++i)
    songs.push_back({i, set.song_id[i], set.work_id[i], set.title.empty() ? "" : set.title[i],
                     set.artist.empty() ? "" : set.artist[i], set.frames(i), 0,
                     set.frames_per_second});
  return songs;
}

std::vector<std::int64_t> numbers_of(std::span<const CatalogueSong> songs) {
  std::vector<std::int64_t> numbers;
  for (const CatalogueSong& song : songs) numbers.push_back(song.number);
  return numbers;
}

/// Queries that are worth looking up at once.
std::size_t queries_at_once(const SearchOptions& options) {
  // Chroma of so many songs at most is read for re-ranking.
  constexpr int kSongs = 10'000;
  constexpr std::size_t kQueries = 1024;
  return options.rerank.k > 0 ? std::clamp<std::size_t>(kSongs / options.rerank.k, 1, kQueries)
                              : kQueries;
}

}  // namespace

ReadContext reading_for(const Model& model, const std::string& name, Backend& backend,
                        const Observer& observer) {
  ReadContext context;
  context.chroma = [&model, name] {
    return model.chroma_source.empty() ? ChromaSettings()
                                       : ChromaSettings::of_description(model.chroma_source, name);
  };
  context.engine = [&backend, observer](const ChromaSettings& settings) {
    try {
      return backend.chroma_engine(chroma_tables(settings));
    } catch (const SettingsError&) {
      throw;
    } catch (const Error& why) {
      observer.tell(fmt::format("chroma of audio on the CPU: {}", why.what()));
      return std::unique_ptr<ChromaEngine>();
    }
  };
  context.observer = observer;
  return context;
}

/// Some songs to look up at once.
struct Searcher::Queries {
  Fingerprints fingerprints;
  const SongSet* set = nullptr;        ///< that has their chroma
  std::vector<std::int64_t> numbers;   ///< of them, in `set`
  std::span<const CatalogueSong> own;  ///< where they are songs of what is searched
};

Searcher::Source Searcher::open(const std::string& path, const std::string& model) {
  if (!looks_like_catalogue(path)) {
    if (model.empty())
      throw SettingsError(
          fmt::format("{}: expected a model to search a song set with, found none", path));
    return {nullptr, read_song_set(path), read_model(model), model};
  }
  auto catalogue = std::make_shared<const Catalogue>(path);
  if (!model.empty()) catalogue->check_model(ModelIdentity::of(read_model(model), model));
  return {catalogue, {}, {}, catalogue->identity().name};
}

Searcher::Searcher(Backend& backend, const std::string& path, const std::string& model,
                   SearcherOptions options)
    : Searcher(backend, open(path, model), std::move(options)) {}

Searcher::Searcher(Backend& backend, std::shared_ptr<const Catalogue> catalogue,
                   SearcherOptions options)
    : Searcher(backend, Source{catalogue, {}, {}, catalogue->identity().name}, std::move(options)) {
}

Searcher::Searcher(Backend& backend, SongSet set, Model model, std::string model_name,
                   SearcherOptions options)
    : Searcher(backend, Source{nullptr, std::move(set), std::move(model), std::move(model_name)},
               std::move(options)) {}

Searcher::Searcher(Backend& backend, Source source, SearcherOptions options)
    : backend_(backend),
      options_(std::move(options)),
      source_(std::move(source)),
      calibration_(calibration_of(model())),
      method_(std::make_unique<ModelFingerprinter>(backend, model(), model_name())),
      songs_(source_.catalogue ? source_.catalogue->songs() : songs_of(source_.set)) {
  if (!source_.catalogue && !options_.any_chroma)
    check_chroma_source(model(), model_name(), source_.set);
  for (const SongCondition& condition : options_.where)
    std::erase_if(songs_, [&](const CatalogueSong& song) { return !condition.met_by(song); });
  index_ =
      source_.catalogue
          ? std::make_unique<Index>(backend, std::ssize(songs_), method_->dims(), ScanFormat::int8,
                                    source_.catalogue->vectors(songs_, options_.copy))
          : std::make_unique<Index>(
                backend, method_->compute(source_.set, numbers_of(songs_), Keys::candidate));
  if (index_->slices() > 1)
    options_.observer.tell(
        fmt::format("device: {} songs do not fit in its memory; each search goes through {} slices "
                    "of at most {}",
                    index_->size(), index_->slices(), index_->songs_at_once()));
}

Searcher::~Searcher() = default;

const std::string& Searcher::name_of_model() const {
  return source_.catalogue ? source_.catalogue->path() : source_.model_name;
}

bool Searcher::keeps_chroma() const {
  return !source_.catalogue || source_.catalogue->keeps_chroma();
}

bool Searcher::gives_probabilities(const RerankOptions& rerank) const {
  return rerank.k > 0 || !calibration_.cosine.empty();
}

void Searcher::check(const RerankOptions& rerank) const {
  if (rerank.k == 0) return;
  require_weights(calibration_, rerank.aligner, model_name());
  if (source_.catalogue) source_.catalogue->check_chroma();
}

void Searcher::find_files(const std::vector<std::string>& paths, const SearchOptions& options,
                          const Take& take) {
  ReadContext context = reading_for(model(), name_of_model(), backend_, options_.observer);
  if (options_.engine) context.engine = options_.engine;
  find(read_songs(paths, context), options, take);
}

void Searcher::find(const SongSet& queries, const SearchOptions& options, const Take& take) {
  check(options.rerank);
  if (!options_.any_chroma) check_chroma_source(model(), name_of_model(), queries);
  const std::vector<CatalogueSong> asked = songs_of(queries);
  const std::size_t at_once = queries_at_once(options);
  for (std::size_t first = 0; first < asked.size(); first += at_once) {
    const auto some = std::span(asked).subspan(first, std::min(at_once, asked.size() - first));
    std::vector<std::int64_t> numbers = numbers_of(some);
    Fingerprints fingerprints = method_->compute(queries, numbers, Keys::query);
    const auto matches =
        matches_of({std::move(fingerprints), &queries, std::move(numbers), {}}, options);
    for (std::size_t q = 0; q < some.size(); ++q) take(result_of(some[q], matches[q], options));
  }
}

void Searcher::find_own(std::span<const CatalogueSong> queries, const SearchOptions& options,
                        const Take& take) {
  check(options.rerank);
  const std::size_t at_once = queries_at_once(options);
  for (std::size_t first = 0; first < queries.size(); first += at_once) {
    const auto some = queries.subspan(first, std::min(at_once, queries.size() - first));
    Queries own{{}, &source_.set, numbers_of(some), some};
    SongSet read;
    if (source_.catalogue) {
      own.fingerprints = source_.catalogue->queries(some, *method_);
      if (options.rerank.k > 0) read = source_.catalogue->song_set(some);
      own.set = &read;
      std::iota(own.numbers.begin(), own.numbers.end(), 0);
    } else {
      own.fingerprints = method_->compute(source_.set, own.numbers, Keys::query);
    }
    const auto matches = matches_of(own, options);
    for (std::size_t q = 0; q < some.size(); ++q) take(result_of(some[q], matches[q], options));
  }
}

void Searcher::find_ids(std::span<const std::string> ids, const SearchOptions& options,
                        const Take& take) {
  std::vector<CatalogueSong> queries;
  if (source_.catalogue) {
    for (const std::string& id : ids) queries.push_back(source_.catalogue->song(id));
  } else {
    const std::vector<CatalogueSong> all = songs_of(source_.set);
    for (const std::string& id : ids) {
      const std::int64_t number = source_.set.find(id);
      if (number < 0) throw InputError(fmt::format("{}: has no song '{}'", source_.set.path, id));
      queries.push_back(all[number]);
    }
  }
  find_own(queries, options, take);
}

void Searcher::find_all(const SearchOptions& options, const Take& take) {
  find_own(songs_, options, take);
}

std::vector<QueryResult> Searcher::find_files(const std::vector<std::string>& paths,
                                              const SearchOptions& options) {
  std::vector<QueryResult> results;
  find_files(paths, options, [&](QueryResult result) { results.push_back(std::move(result)); });
  return results;
}

std::vector<QueryResult> Searcher::find(const SongSet& queries, const SearchOptions& options) {
  std::vector<QueryResult> results;
  find(queries, options, [&](QueryResult result) { results.push_back(std::move(result)); });
  return results;
}

std::vector<QueryResult> Searcher::find_ids(std::span<const std::string> ids,
                                            const SearchOptions& options) {
  std::vector<QueryResult> results;
  find_ids(ids, options, [&](QueryResult result) { results.push_back(std::move(result)); });
  return results;
}

std::vector<std::vector<Match>> Searcher::matches_of(const Queries& queries,
                                                     const SearchOptions& options) {
  // One more than asked for: a song is no answer to itself.
  const int more = queries.own.empty() ? 0 : 1;
  auto matches =
      index_->search(queries.fingerprints, std::max(options.top, options.rerank.k) + more);
  for (std::size_t q = 0; q < matches.size(); ++q)
    std::erase_if(matches[q], [&](const Match& m) {
      return double{m.score} < options.min_score ||
             (!queries.own.empty() && songs_[m.candidate].number == queries.own[q].number);
    });
  if (!calibration_.cosine.empty())
    set_log_odds(backend_, calibration_, queries.fingerprints, *index_, matches);
  if (options.rerank.k > 0) rerank_matches(queries, options.rerank, matches);
  for (std::vector<Match>& of_query : matches)
    if (of_query.size() > static_cast<std::size_t>(options.top)) of_query.resize(options.top);
  return matches;
}

void Searcher::rerank_matches(const Queries& queries, const RerankOptions& options,
                              std::vector<std::vector<Match>>& matches) {
  if (!source_.catalogue)
    return rerank(backend_, *queries.set, queries.numbers, source_.set, numbers_of(songs_),
                  calibration_, options, matches);
  // Only the first answers' chroma is read.
  const auto frames = [&](std::int64_t position) { return songs_[position].frames; };
  const auto read = [&](std::span<const std::int64_t> positions) {
    std::vector<CatalogueSong> needed;
    for (const std::int64_t position : positions) needed.push_back(songs_[position]);
    return source_.catalogue->song_set(needed);
  };
  rerank(backend_, *queries.set, queries.numbers, {frames, read}, calibration_, options, matches);
}

QueryResult Searcher::result_of(const CatalogueSong& query, std::span<const Match> matches,
                                const SearchOptions& options) const {
  QueryResult result{query.song_id, query.work_id, query.title, query.artist, {}};
  result.found.reserve(matches.size());
  for (const Match& m : matches) {
    const CatalogueSong& song = songs_[m.candidate];
    result.found.push_back({m.candidate,
                            song.song_id,
                            song.work_id,
                            song.title,
                            song.artist,
                            m.score,
                            m.alignment,
                            m.transposition,
                            m.log_odds,
                            {}});
    // Songs behind the first k have the probability of the first stage.
    if (!calibration_.cosine.empty() || result.found.size() <= std::size_t(options.rerank.k))
      result.found.back().probability = probability_of(m.log_odds);
  }
  return result;
}

}  // namespace reprise
