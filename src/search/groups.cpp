#include "reprise/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/logistic.h"
#include "reprise/error.h"

namespace reprise {
namespace {

/// Union-find with path halving; the smallest member stands for its group.
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  std::int64_t find(std::int64_t member) {
    while (parent_[member] != member) member = parent_[member] = parent_[parent_[member]];
    return member;
  }
  void join(std::int64_t a, std::int64_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::int64_t> parent_;
};

}  // namespace

std::vector<std::int64_t> group_by_mutual_matches(
    std::span<const std::vector<Match>> matches,
    const std::function<double(const Match&)>& likeness, double least) {
  DisjointSets sets(matches.size());
  for (std::size_t song = 0; song < matches.size(); ++song)
    for (const Match& match : matches[song]) {
      // Each pair once: from its earlier song.
      if (match.candidate <= static_cast<std::int64_t>(song)) continue;
      const auto& others = matches[match.candidate];
      const auto back = std::find_if(others.begin(), others.end(), [&](const Match& other) {
        return other.candidate == static_cast<std::int64_t>(song);
      });
      if (back != others.end() && (likeness(match) + likeness(*back)) / 2 >= least)
        sets.join(static_cast<std::int64_t>(song), match.candidate);
    }
  std::vector<std::int64_t> groups(matches.size());
  std::int64_t count = 0;
  // A group's smallest member comes first, so its number is known when the others ask for it.
  for (std::size_t song = 0; song < matches.size(); ++song) {
    const std::int64_t first = sets.find(static_cast<std::int64_t>(song));
    groups[song] = first == static_cast<std::int64_t>(song) ? count++ : groups[first];
  }
  return groups;
}

std::vector<std::span<const GroupedSong>> Groups::all() const {
  std::vector<std::span<const GroupedSong>> groups;
  for (std::size_t first = 0, after; first < songs.size(); first = after) {
    after = first + 1;
    while (after < songs.size() && songs[after].group == songs[first].group) ++after;
    groups.push_back(std::span(songs).subspan(first, after - first));
  }
  return groups;
}

Groups find_groups(Searcher& searcher, const GroupOptions& options, const Observer& observer) {
  const bool by_probability = options.min_probability.has_value();
  if (by_probability == options.min_score.has_value())
    throw SettingsError("groups: expected a least probability or a least score, and not both");
  if (by_probability && !searcher.gives_probabilities())
    throw InputError(fmt::format("{}: expected a calibrated model, found none", searcher.path()));
  const bool aligns = by_probability && options.align && searcher.keeps_chroma();
  if (by_probability && options.align && !aligns)
    observer.tell(fmt::format(
        "{}: keeps no chroma for alignment: grouped by fingerprints alone, with less certainty",
        searcher.path()));

  const std::vector<CatalogueSong>& songs = searcher.songs();
  std::vector<std::vector<Match>> matches;
  matches.reserve(songs.size());
  SearchOptions search;
  search.top = options.neighbours;
  search.rerank.k = aligns ? options.neighbours : 0;
  searcher.find_all(search, [&](const QueryResult& result) {
    std::vector<Match>& found = matches.emplace_back();
    for (const FoundSong& song : result.found)
      found.push_back({song.number, song.score, song.transposition, song.alignment, song.log_odds});
    observer.show(std::ssize(matches), std::ssize(songs), "songs compared");
  });
  // Log odds add up where probabilities of nearly 1 do not.
  const auto groups =
      by_probability
          ? group_by_mutual_matches(
                matches, [](const Match& m) { return m.log_odds; },
                std::log(*options.min_probability / (1 - *options.min_probability)))
          : group_by_mutual_matches(
                matches, [](const Match& m) { return double{m.score}; }, *options.min_score);

  Groups result;
  std::vector<std::int64_t> order(songs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return groups[a] < groups[b]; });
  for (const std::int64_t i : order) {
    GroupedSong grouped{songs[i], groups[i], "", {}};
    // Matches come best first.
    const auto closest = std::find_if(matches[i].begin(), matches[i].end(), [&](const Match& m) {
      return groups[m.candidate] == groups[i];
    });
    if (closest != matches[i].end()) {
      grouped.closest = songs[closest->candidate].song_id;
      if (searcher.gives_probabilities()) grouped.probability = probability_of(closest->log_odds);
    }
    result.songs.push_back(std::move(grouped));
  }
  result.rule = fmt::format("Songs that find each other by {} form one work: {} of at least {}.",
                            aligns ? "fingerprint and alignment" : "fingerprint alone",
                            by_probability ? "probability" : "similarity",
                            by_probability ? *options.min_probability : *options.min_score);
  return result;
}

}  // namespace reprise
