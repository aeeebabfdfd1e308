#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reprise/catalogue.h"
#include "reprise/index.h"
#include "reprise/observer.h"
#include "reprise/searcher.h"

namespace reprise {

/// Clusters songs into works. matches: for every song its best matches among all songs, with or
/// without itself. Two songs are linked if each is among the other's matches and the mean of the
/// two similarities is at least `least`; a group is a connected component of these links.
/// Returns the group of every song, numbered from 0 in the order of their first songs.
std::vector<std::int64_t> group_by_mutual_matches(
    std::span<const std::vector<Match>> matches,
    const std::function<double(const Match&)>& likeness, double least);

/// The rule for grouping two songs that find each other. Exactly one of the first two must be set.
struct GroupOptions {
  std::optional<double>
      min_probability{};              ///< between 0 and 1, exclusive; needs a calibrated model
  std::optional<double> min_score{};  ///< cosine similarity
  int neighbours = 20;                ///< matches considered per song
  bool align = true;                  ///< align matches first, if chroma is stored
};

/// A song and its group.
struct GroupedSong {
  CatalogueSong song;
  std::int64_t group = 0;  ///< from 0
  std::string closest;     ///< id of its most similar version in the group; or empty
  std::optional<double>
      probability{};  ///< that the two are versions; empty without a calibrated model
};

/// Songs grouped into works.
struct Groups {
  std::vector<GroupedSong> songs;  ///< ordered by group
  std::string rule;                ///< the rule, as a sentence

  /// The songs of each group.
  std::vector<std::span<const GroupedSong>> all() const;
};

/// Groups all songs of the searcher. The observer gets progress, and a note if songs cannot be
/// aligned. Throws InputError if probabilities are asked of a model that is not calibrated.
Groups find_groups(Searcher& searcher, const GroupOptions& options, const Observer& observer = {});

/// Comma-separated values with a header line, in the order given (RFC 4180).
std::string groups_csv(std::span<const GroupedSong> songs);

/// A self-contained HTML page: groups of several songs, largest first, then the number of
/// ungrouped songs.
std::string groups_page(const std::string& title, const Groups& groups);

}  // namespace reprise
