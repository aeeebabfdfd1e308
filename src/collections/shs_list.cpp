#include "collections/shs_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "collections/million_song.h"
#include "core/lines.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::string_view kSeparator = "<SEP>";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// %id,id,..., title or %name: ids are numbers before commas, and a space begins the title.
ShsWork work_of(std::string_view line, std::size_t index) {
  ShsWork work;
  std::string_view rest = line;
  std::string ids;
  for (std::size_t comma; (comma = rest.find(',')) != rest.npos && !rest.starts_with(' ');
       rest.remove_prefix(comma + 1)) {
    const auto id = whole_number(rest.substr(0, comma));
    if (!id) break;
    ids += fmt::format("{}{}", ids.empty() ? "" : "+", *id);
  }
  work.title = to_utf8(trimmed(rest));
  work.work_id = ids.empty() ? fmt::format("{}_{}", index, work.title) : ids;
  return work;
}

ShsTrack track_of(std::string_view line, const Lines& lines) {
  ShsTrack track;
  const std::size_t first = line.find(kSeparator);
  track.track_id = trimmed(line.substr(0, first));
  if (!is_track_id(track.track_id)) lines.fail("a track id of letters and digits", line);
  if (first == line.npos) return track;
  std::string_view rest = line.substr(first + kSeparator.size());
  const std::size_t second = rest.find(kSeparator);
  track.artist_id = trimmed(rest.substr(0, second));
  if (second == rest.npos) return track;
  const auto number = whole_number(trimmed(rest.substr(second + kSeparator.size())));
  if (!number) lines.fail("a performance number after the second <SEP>", line);
  track.performance = *number;
  return track;
}

}  // namespace

std::vector<ShsWork> read_shs_list(std::istream& in, const std::string& path) {
  std::vector<ShsWork> works;
  std::set<std::string> ids;
  Lines lines(in, path);
  for (std::string line; lines.next(line);) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text[0] == '#') continue;
    if (text[0] == '%') {
      works.push_back(work_of(text.substr(1), works.size()));
      if (!ids.insert(works.back().work_id).second)
        lines.fail("works of different ids", works.back().work_id);
    } else if (works.empty()) {
      lines.fail("a line of a work (%) before the first track", text);
    } else {
      works.back().tracks.push_back(track_of(text, lines));
    }
  }
  if (works.empty())
    throw InputError(fmt::format("{}: expected works (lines with %), found none", path));
  return works;
}

std::vector<ShsWork> read_shs_list(const std::string& path) {
  std::ifstream file = open_text(path);
  return read_shs_list(file, path);
}

std::vector<ShsWork> works_of_queries(const std::vector<ShsWork>& list, const std::string& path) {
  std::vector<ShsWork> works;
  std::map<std::string, std::size_t> of_track;
  const auto place = [&](const ShsTrack& track, std::optional<std::size_t> preferred,
                         const std::string& id) {
    if (const auto known = of_track.find(track.track_id); known != of_track.end())
      return known->second;
    if (!preferred) {
      preferred = works.size();
      works.push_back({id, "", {}});
    }
    works[*preferred].tracks.push_back(track);
    of_track.emplace(track.track_id, *preferred);
    return *preferred;
  };
  for (const ShsWork& block : list) {
    if (block.tracks.size() != 3)
      throw InputError(fmt::format("{}: expected three tracks in every block, found {} in {}", path,
                                   block.tracks.size(), quote(block.title)));
    const auto cover_known = of_track.find(block.tracks[1].track_id);
    const std::optional<std::size_t> joined =
        cover_known == of_track.end() ? std::nullopt : std::optional(cover_known->second);
    const std::size_t work = place(block.tracks[0], joined, "query-" + block.title);
    place(block.tracks[1], work, "");
    place(block.tracks[2], std::nullopt, "other-" + block.title);
  }
  return works;
}

std::string split_of_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (const char* split : {"train", "validation", "test"})
    if (name.find(split) != std::string::npos) return split;
  return "";
}

}  // namespace reprise
