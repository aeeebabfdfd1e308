#include <fmt/format.h>

#include <algorithm>

#include "core/html.h"
#include "reprise/groups.h"

namespace reprise {
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
                    g.probability ? fmt::format("{:.1f} %", 100 * *g.probability) : ""});
  return html_table(header, rows);
}

}  // namespace

std::string groups_csv(std::span<const GroupedSong> songs) {
  std::string csv = "group,song_id,work_id,title,artist,closest,probability\n";
  for (const GroupedSong& g : songs)
    csv += fmt::format("{},{},{},{},{},{},{}\n", g.group + 1, csv_field(g.song.song_id),
                       csv_field(g.song.work_id), csv_field(g.song.title), csv_field(g.song.artist),
                       csv_field(g.closest),
                       g.probability ? fmt::format("{:.6f}", *g.probability) : "");
  return csv;
}

std::string groups_page(const std::string& title, const Groups& groups) {
  std::vector<std::span<const GroupedSong>> shared = groups.all();
  const std::size_t alone =
      std::erase_if(shared, [](const auto& group) { return group.size() == 1; });
  std::stable_sort(shared.begin(), shared.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  HtmlPage page(title,
                fmt::format("{} songs: {} works of more than one version, {} songs alone. {}",
                            groups.songs.size(), shared.size(), alone, groups.rule));
  for (const auto& group : shared) {
    page.heading(fmt::format("{}, {} versions", name_of(group.front().song), group.size()));
    page.add(table_of(group));
  }
  return page.finish();
}

}  // namespace reprise
