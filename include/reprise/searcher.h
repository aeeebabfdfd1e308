#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/backend.h"
#include "reprise/catalogue.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/observer.h"
#include "reprise/readers.h"
#include "reprise/rerank.h"
#include "reprise/song_set.h"

namespace reprise {

/// A filter on the songs that are searched: a field equals or contains a text.
struct SongCondition {
  std::string CatalogueSong::*field = &CatalogueSong::title;
  bool contains = false;  ///< case-insensitive substring; false: equals
  std::string text;

  bool met_by(const CatalogueSong& song) const;
};

/// "FIELD=TEXT" (equals) or "FIELD~TEXT" (contains); FIELD is song_id, work_id, title or artist.
/// Throws SettingsError.
SongCondition parse_condition(std::string_view text);

/// One search result.
struct FoundSong {
  std::int64_t number = 0;  ///< position in Searcher::songs()
  std::string song_id;
  std::string work_id;
  std::string title;
  std::string artist;
  float score = 0;                    ///< cosine similarity of the fingerprints
  float alignment = 0;                ///< score of local alignment; 0 where it was not aligned
  int transposition = 0;              ///< of the query into this song's key, in semitones upwards
  double log_odds = 0;                ///< that it is a version; 0 without a calibrated model
  std::optional<double> probability;  ///< that it is a version; empty without a calibrated model
};

/// The results of one query, best first.
struct QueryResult {
  std::string song_id;  ///< of the query, like the next three
  std::string work_id;
  std::string title;
  std::string artist;
  std::vector<FoundSong> found;
};

/// `{"query": id, "matches": [{"song_id", "work_id", "title", "score", "probability" (or null),
/// "transposition"}, ...]}`, indented by one space.
std::string query_json(const QueryResult& result);
/// Names of the columns of query_tsv(), with a line end.
std::string query_tsv_header();
/// A line of tab-separated values for each song found; control characters become spaces.
std::string query_tsv(const QueryResult& result);

/// Settings of a search.
struct SearchOptions {
  int top = 10;                  ///< results per query
  RerankOptions rerank{.k = 0};  ///< second stage; k = 0: none
  double min_score = -2;         ///< lowest similarity returned; -2: any
};

/// How to read songs for a model: chroma is computed from audio with the settings of the model's
/// training data, on the back end or, where it cannot, on the CPU (the observer gets a note).
/// `name`: of the model, for messages. The model and the back end must outlive the context.
ReadContext reading_for(const Model& model, const std::string& name, Backend& backend,
                        const Observer& observer = {});

struct SearcherOptions {
  std::vector<SongCondition> where{};   ///< filters; songs must pass all of them
  StoredCopy copy = StoredCopy::exact;  ///< of a catalogue's fingerprints
  bool any_chroma = false;  ///< accept songs whose chroma settings differ from the model's
  /// Computes chroma from audio instead of the back end; see ReadContext.
  std::function<std::unique_ptr<ChromaEngine>(const ChromaSettings&)> engine{};
  Observer observer{};
};

/// Searches a catalogue or a song set in two stages: an exact search of all fingerprints, then
/// optionally local alignment with the top k.
///
///   const auto backend = make_cpu_backend();
///   Searcher searcher(*backend, "songs.reprise");
///   for (const QueryResult& query : searcher.find_files({"song.flac", "new.h5"}))
///     for (const FoundSong& song : query.found) use(song.title, song.probability);
///
/// One thread at a time may call a Searcher, and one at a time those that share a back end or a
/// Catalogue. Searchers with back ends and catalogues of their own are independent, also where
/// the catalogues are of one file.
class Searcher {
 public:
  /// The catalogue, or song set, in a file. `model`: the file of a trained model; a song set needs
  /// one, and a catalogue's own must be the same. Throws Error and, without a model for a song set,
  /// SettingsError. The back end must outlive the Searcher.
  Searcher(Backend& backend, const std::string& path, const std::string& model = {},
           SearcherOptions options = {});
  Searcher(Backend& backend, std::shared_ptr<const Catalogue> catalogue,
           SearcherOptions options = {});
  /// `model_name`: for messages.
  Searcher(Backend& backend, SongSet set, Model model, std::string model_name,
           SearcherOptions options = {});
  ~Searcher();

  const Model& model() const { return source_.model(); }
  /// The model's file, for messages.
  const std::string& model_name() const { return source_.model_name; }
  /// File of the catalogue or song set.
  const std::string& path() const {
    return source_.catalogue ? source_.catalogue->path() : source_.set.path;
  }
  /// The songs searched: all that pass the filters.
  const std::vector<CatalogueSong>& songs() const { return songs_; }
  /// Whether chroma is stored, which alignment needs.
  bool keeps_chroma() const;
  /// Whether results carry probabilities with these settings.
  bool gives_probabilities(const RerankOptions& rerank = {.k = 0}) const;
  /// Throws InputError if re-ranking is impossible: no chroma, or no weights in the model.
  void check(const RerankOptions& rerank) const;

  /// Called with each query's result in turn, so that results need not be kept.
  using Take = std::function<void(QueryResult)>;

  /// Queries with the songs in files and folders of any format that read_songs() reads.
  std::vector<QueryResult> find_files(const std::vector<std::string>& paths,
                                      const SearchOptions& options = {});
  void find_files(const std::vector<std::string>& paths, const SearchOptions& options,
                  const Take& take);
  /// Queries with the songs of a set. Throws InputError if their chroma settings differ from the
  /// model's.
  std::vector<QueryResult> find(const SongSet& queries, const SearchOptions& options = {});
  void find(const SongSet& queries, const SearchOptions& options, const Take& take);
  /// Queries with stored songs, by id (filters do not apply to queries). A song is never among its
  /// own results. Throws InputError for an unknown id.
  std::vector<QueryResult> find_ids(std::span<const std::string> ids,
                                    const SearchOptions& options = {});
  void find_ids(std::span<const std::string> ids, const SearchOptions& options, const Take& take);
  /// Queries with every song of songs().
  void find_all(const SearchOptions& options, const Take& take);

 private:
  struct Queries;
  /// What is searched, and by which model.
  struct Source {
    std::shared_ptr<const Catalogue> catalogue;  ///< or else the next two
    SongSet set;
    Model own_model;
    std::string model_name;

    const Model& model() const { return catalogue ? catalogue->model() : own_model; }
  };

  static Source open(const std::string& path, const std::string& model);
  Searcher(Backend& backend, Source source, SearcherOptions options);
  /// Where people find the model: its own file or the catalogue that holds it.
  const std::string& name_of_model() const;
  void find_own(std::span<const CatalogueSong> queries, const SearchOptions& options,
                const Take& take);
  std::vector<std::vector<Match>> matches_of(const Queries& queries, const SearchOptions& options);
  void rerank_matches(const Queries& queries, const RerankOptions& options,
                      std::vector<std::vector<Match>>& matches);
  QueryResult result_of(const CatalogueSong& query, std::span<const Match> matches,
                        const SearchOptions& options) const;

  Backend& backend_;
  SearcherOptions options_;
  Source source_;
  ScoreCalibration calibration_;
  std::unique_ptr<Fingerprinter> method_;
  std::vector<CatalogueSong> songs_;
  std::unique_ptr<Index> index_;
};

}  // namespace reprise
