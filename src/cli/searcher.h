#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/song_filter.h"
#include "reprise/backend.h"
#include "reprise/catalogue.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/rerank.h"
#include "reprise/song_set.h"

namespace reprise::cli {

/// The songs of a set in the form in which those of a catalogue are known.
std::vector<CatalogueSong> songs_of(const SongSet& set);

/// The numbers 0 to count - 1.
std::vector<std::int64_t> first_numbers(std::int64_t count);

/// What to look for.
struct SearchOptions {
  int top = 10;
  RerankOptions rerank;   ///< k 0: no second stage
  double min_score = -2;  ///< below every cosine
};

/// Songs to search, of a catalogue or a song set, with the model that made their fingerprints.
class Searcher {
 public:
  /// Both must outlive it.
  Searcher(Backend& backend, const Catalogue& catalogue, const SongFilter& filter,
           Precision precision);
  Searcher(Backend& backend, const SongSet& set, const Model& model, const std::string& model_name,
           const SongFilter& filter);

  /// Places in this list are what matches name.
  const std::vector<CatalogueSong>& songs() const { return songs_; }
  FingerprintMethod& method() { return *method_; }
  /// Whether matches come with their log odds.
  bool is_sure(const RerankOptions& rerank) const;

  /// Throws Error where there is no model for such a second stage, or no chroma.
  void check(const RerankOptions& rerank) const;

  /// The matches of songs of another set, best first.
  std::vector<std::vector<Match>> find(const SongSet& asked, std::span<const std::int64_t> numbers,
                                       const SearchOptions& options);
  /// The matches of songs of what is searched, none of them the song itself.
  std::vector<std::vector<Match>> find_own(std::span<const CatalogueSong> asked,
                                           const SearchOptions& options);
  /// Queries that are worth looking up at once.
  static std::size_t at_once(const SearchOptions& options);

 private:
  /// Says so where the songs lie in a device's memory in part only.
  void tell_slices() const;
  /// own: the queries where they are songs of what is searched, or empty. asked: those that
  /// `numbers` name, where they are aligned.
  std::vector<std::vector<Match>> answer(const Fingerprints& queries,
                                         std::span<const CatalogueSong> own, const SongSet& asked,
                                         std::span<const std::int64_t> numbers,
                                         const SearchOptions& options);
  void rerank_some(const SongSet& asked, std::span<const std::int64_t> numbers,
                   const RerankOptions& options, std::vector<std::vector<Match>>& matches);

  Backend& backend_;
  const Catalogue* catalogue_ = nullptr;
  const SongSet* set_ = nullptr;
  std::string name_;  // of the model
  Confidence confidence_;
  std::unique_ptr<FingerprintMethod> method_;
  std::vector<CatalogueSong> songs_;
  std::unique_ptr<Index> index_;
};

}  // namespace reprise::cli
