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

/// What makes two songs that find each other one work. Exactly one of the first two is given.
struct GroupOptions {
  std::optional<double> min_probability{};  ///< 0 to 1, not included; for calibrated models
  std::optional<double> min_score{};        ///< cosine similarity
  int neighbours = 20;                      ///< best matches with which a song may be joined
  bool align = true;  ///< probabilities of aligned songs, where their chroma is kept
};

/// A song's place among the works.
struct GroupedSong {
  CatalogueSong song;
  std::int64_t group = 0;               ///< from 0
  std::string closest;                  ///< id of its likeliest version in the group; or empty
  std::optional<double> probability{};  ///< of that song, where the model is calibrated
};

/// Songs sorted into works.
struct Groups {
  std::vector<GroupedSong> songs;  ///< those of a group one after another
  std::string rule;                ///< a sentence on what made a group

  /// The songs of each group.
  std::vector<std::span<const GroupedSong>> all() const;
};

/// Groups all songs that are searched. The observer is told of songs compared, and where songs
/// cannot be aligned. Throws Error for probabilities of a model that is not calibrated.
Groups find_groups(Searcher& searcher, const GroupOptions& options, const Observer& observer = {});

/// Comma-separated values with a header line, in the order given (RFC 4180).
std::string groups_csv(std::span<const GroupedSong> songs);

/// One HTML page that needs no other file: the groups of more than one song, the largest first,
/// then how many songs are alone.
std::string groups_page(const std::string& title, const Groups& groups);

}  // namespace reprise
