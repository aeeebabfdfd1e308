#include "reprise/groups.h"

#include <algorithm>
#include <numeric>

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

}  // namespace reprise
