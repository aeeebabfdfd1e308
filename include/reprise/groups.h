#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "reprise/index.h"

namespace reprise {

/// Sorts songs into works. matches: for every song its best matches among all the songs, itself
/// included or not. Two songs are joined where each is among the other's matches and the mean of
/// the two likenesses is at least `least`; a group is whatever is joined through others.
/// Returns the group of every song, numbered from 0 in the order of their first songs.
std::vector<std::int64_t> group_by_mutual_matches(
    std::span<const std::vector<Match>> matches,
    const std::function<double(const Match&)>& likeness, double least);

}  // namespace reprise
