#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/index.h"

namespace reprise {

/// Clusters songs into works. matches: for every song its best matches among all songs, with or
/// without itself. Two songs are linked if each is among the other's matches and the mean of the
/// two similarities is at least `least`; a group is a connected component of these links.
/// Returns the group of every song, numbered from 0 in the order of their first songs.
std::vector<std::int64_t> group_by_mutual_matches(
    std::span<const std::vector<Match>> matches,
    const std::function<double(const Match&)>& likeness, double least);

}  // namespace reprise
