#include "cli/groups_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/html.h"

namespace reprise::cli {
namespace {

std::string csv_field(const std::string& text) {
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

std::string name_of(const CatalogueSong& song) {
  return song.title.empty() ? song.song_id : song.title;
}

std::string table_of(std::span<const GroupedSong> group) {
  const std::vector<std::string> header{"song", "artist", "id", "closest", "probability"};
  std::vector<std::vector<std::string>> rows;
  for (const GroupedSong& g : group)
    rows.push_back({name_of(g.song), g.song.artist, g.song.song_id, g.closest,
                    g.closest.empty() ? "" : fmt::format("{:.1f} %", 100 * g.probability)});
  return html_table(header, rows);
}

}  // namespace

std::string groups_csv(std::span<const GroupedSong> songs) {
  std::string csv = "group,song_id,work_id,title,artist,closest,probability\n";
  for (const GroupedSong& g : songs)
    csv += fmt::format("{},{},{},{},{},{},{}\n", g.group + 1, csv_field(g.song.song_id),
                       csv_field(g.song.work_id), csv_field(g.song.title), csv_field(g.song.artist),
                       csv_field(g.closest),
                       g.closest.empty() ? "" : fmt::format("{:.6f}", g.probability));
  return csv;
}

std::string groups_page(const std::string& title, const std::string& how,
                        std::span<const GroupedSong> songs) {
  std::vector<std::span<const GroupedSong>> groups;
  std::size_t alone = 0;
  for (std::size_t first = 0, after; first < songs.size(); first = after) {
    after = first + 1;
    while (after < songs.size() && songs[after].group == songs[first].group) ++after;
    if (after - first > 1)
      groups.push_back(songs.subspan(first, after - first));
    else
      ++alone;
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  HtmlPage page(title,
                fmt::format("{} songs: {} works of more than one version, {} songs alone. {}",
                            songs.size(), groups.size(), alone, how));
  for (const auto& group : groups) {
    page.heading(fmt::format("{}, {} versions", name_of(group.front().song), group.size()));
    page.add(table_of(group));
  }
  return page.finish();
}

}  // namespace reprise::cli
