#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "reprise/error.h"
#include "reprise/evaluate.h"
#include "reprise/random.h"

namespace reprise {

Protocol make_protocol(const SongSet& set, std::string_view split) {
  Protocol protocol;
  protocol.split = split;
  std::map<std::string_view, std::vector<std::int64_t>> works;  // positions in `candidates`
  bool any = false;
  for (std::int64_t song = 0; song < set.songs(); ++song) {
    const bool noise = set.split[song] == "noise";
    if (!noise && set.split[song] != split) continue;
    if (!noise) {
      works[set.work_id[song]].push_back(static_cast<std::int64_t>(protocol.candidates.size()));
      any = true;
    }
    protocol.candidates.push_back(song);
  }
  if (!any)
    throw InputError(
        fmt::format("{}: expected songs in the split '{}', found none", set.path, split));

  for (std::size_t at = 0; at < protocol.candidates.size(); ++at) {
    const std::int64_t song = protocol.candidates[at];
    if (set.split[song] == "noise") continue;
    std::vector<std::int64_t> versions = works.at(set.work_id[song]);
    if (versions.size() < 2) continue;
    std::erase(versions, static_cast<std::int64_t>(at));
    protocol.queries.push_back(static_cast<std::int64_t>(at));
    protocol.versions.push_back(std::move(versions));
  }
  if (protocol.queries.empty())
    throw InputError(
        fmt::format("{}: expected works with two songs or more in the split '{}', found one "
                    "song of each",
                    set.path, split));
  return protocol;
}

SongSet with_excerpts(const SongSet& set, const Protocol& protocol, std::int32_t frames) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(set.songs()));
  std::iota(all.begin(), all.end(), 0);
  std::vector<Excerpt> parts;
  for (const std::int64_t song : all) parts.push_back(set.whole(song));
  for (const std::int64_t query : protocol.queries) {
    const std::int64_t song = protocol.candidates[query];
    Excerpt& part = parts[song];
    if (part.frames <= frames) continue;
    Random random(static_cast<std::uint64_t>(song));
    part.first += random.below(static_cast<std::uint32_t>(part.frames - frames + 1));
    part.frames = frames;
  }
  return set.select(all, parts);
}

}  // namespace reprise
