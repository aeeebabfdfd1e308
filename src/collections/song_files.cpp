#include "collections/song_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "core/csv.h"
#include "core/files.h"
#include "core/text.h"
#include "io/song_set_check.h"
#include "reprise/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestList = std::int64_t{1} << 30;

std::string read_text(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kLongestList);
  return {bytes.begin(), bytes.end()};
}

/// What may become a part of a path: no way up, no root.
void require_name(const std::string& name, const std::string& path, std::size_t line) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    throw InputError(fmt::format("{}: line {}: expected a name without slashes, found {}", path,
                                 line, quote(name)));
}

}  // namespace

std::vector<SongFile> read_acoss_list(const std::string& path, const std::string& root,
                                      const std::string& extension) {
  return parse_acoss_list(read_text(path), path, root, extension);
}

std::vector<SongFile> parse_acoss_list(std::string_view text, const std::string& path,
                                       const std::string& root, const std::string& extension) {
  const Csv csv = Csv::parse(text, path);
  const std::size_t work = csv.find("work_id");
  const std::size_t track = csv.find("track_id");
  if (csv.columns.size() != 2 || work == Csv::kNone || track == Csv::kNone)
    throw InputError(fmt::format("{}: expected the columns work_id and track_id, found {}", path,
                                 quote(fmt::format("{}", fmt::join(csv.columns, ",")))));
  std::vector<SongFile> songs;
  for (std::size_t i = 0; i < csv.rows.size(); ++i) {
    const std::string& w = csv.rows[i][work];
    const std::string& t = csv.rows[i][track];
    require_name(w, path, csv.lines[i]);
    require_name(t, path, csv.lines[i]);
    songs.emplace_back(t, w, (fs::path(root) / w / (t + extension)).string());
  }
  return songs;
}

std::vector<SongFile> read_song_list(const std::string& path, const std::string& folder) {
  return parse_song_list(read_text(path), path, folder);
}

std::vector<SongFile> parse_song_list(std::string_view text, const std::string& path,
                                      const std::string& folder) {
  const Csv csv = Csv::parse(text, path);
  const auto wrong = [&](std::size_t row, const std::string& expected, const std::string& found) {
    throw InputError(fmt::format("{}: line {}: expected {}, found {}", path, csv.lines[row],
                                 expected, found.empty() ? "none" : quote(found)));
  };
  const auto needed = [&](const char* name) {
    const std::size_t column = csv.find(name);
    if (column == Csv::kNone)
      throw InputError(fmt::format("{}: expected a column {}, found {}", path, name,
                                   quote(fmt::format("{}", fmt::join(csv.columns, ",")))));
    for (std::size_t i = 0; i < csv.rows.size(); ++i)
      if (csv.rows[i][column].empty()) wrong(i, fmt::format("a {}", name), "");
    return column;
  };
  const std::size_t song_id = needed("song_id"), work_id = needed("work_id");
  const std::size_t file = needed("path");
  std::vector<SongFile> songs;
  for (const std::vector<std::string>& row : csv.rows)
    songs.emplace_back(row[song_id], row[work_id], (fs::path(folder) / row[file]).string());
  if (songs.empty()) throw InputError(fmt::format("{}: expected songs, found none", path));
  constexpr std::pair<const char*, std::string SongInfo::*> kOptional[] = {
      {"split", &SongInfo::split},
      {"title", &SongInfo::title},
      {"artist", &SongInfo::artist},
      {"tune_id", &SongInfo::tune_id}};
  for (const auto& [name, member] : kOptional)
    if (const std::size_t column = csv.find(name); column != Csv::kNone)
      for (std::size_t i = 0; i < songs.size(); ++i) songs[i].song.*member = csv.rows[i][column];
  for (std::size_t i = 0; i < songs.size(); ++i) {
    const std::string& split = songs[i].song.split;
    if (!split.empty() && !is_split(split))
      wrong(i, "split train, validation, test or noise", split);
  }
  return songs;
}

std::vector<SongFile> song_files_below(const std::vector<std::string>& paths,
                                       const std::string& extension) {
  std::vector<SongFile> songs;
  for (const std::string& path : paths) {
    if (!fs::exists(path))
      throw InputError(fmt::format("{}: expected a file or a folder, found none", path));
    if (!fs::is_directory(path)) {
      const std::string name = to_utf8(fs::path(path).stem().string());
      songs.emplace_back(name, name, path);
      continue;
    }
    const std::vector<std::string> found =
        files_below(path, [&](const fs::path& name) { return name.extension() == extension; });
    if (found.empty())
      throw InputError(
          fmt::format("{}: expected {} files in this folder, found none", path, extension));
    for (const fs::path file : found) {
      const fs::path inside = file.parent_path().lexically_relative(path);
      const std::string id =
          to_utf8(file.lexically_relative(path).replace_extension().generic_string());
      songs.emplace_back(id, inside == "." ? id : to_utf8(inside.generic_string()), file.string());
    }
  }
  return songs;
}

}  // namespace reprise
