#include <fmt/format.h>

#include <algorithm>
#include <map>

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
    throw Error(fmt::format("{}: expected songs in the split '{}', found none", set.path, split));

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
    throw Error(
        fmt::format("{}: expected works with two songs or more in the split '{}', found one "
                    "song of each",
                    set.path, split));
  return protocol;
}

SongSet with_excerpts(const SongSet& set, const Protocol& protocol, std::int32_t frames) {
  std::vector<bool> cut(set.songs(), false);
  for (const std::int64_t query : protocol.queries) cut[protocol.candidates[query]] = true;
  SongSet result = set;
  result.chroma_float.clear();
  result.chroma_uint8.clear();
  result.mapped_chroma.reset();
  result.offsets = {0};
  const auto copy = [&]<class T>(std::vector<T>& to, std::int64_t first, std::int64_t count) {
    const T* from = static_cast<const T*>(set.chroma().data) + first * set.width();
    to.insert(to.end(), from, from + count * set.width());
  };
  for (std::int64_t song = 0; song < set.songs(); ++song) {
    std::int64_t first = set.offsets[song], count = set.frames(song);
    if (cut[song] && count > frames) {
      Random random(static_cast<std::uint64_t>(song));
      first += random.below(static_cast<std::uint32_t>(count - frames + 1));
      count = frames;
    }
    if (set.type == ChromaType::uint8)
      copy(result.chroma_uint8, first, count);
    else
      copy(result.chroma_float, first, count);
    result.offsets.push_back(result.offsets.back() + count);
  }
  return result;
}

}  // namespace reprise
