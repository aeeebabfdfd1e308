#include "collections/song_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/csv.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestList = std::int64_t{1} << 30;

Csv read_csv(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kLongestList);
  return Csv::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

/// What may become a part of a path: no way up, no root.
void require_name(const std::string& name, const std::string& path, std::size_t line) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    throw Error(fmt::format("{}: line {}: expected a name without slashes, found {}", path, line,
                            quote(name)));
}

}  // namespace

std::vector<SongFile> read_acoss_list(const std::string& path, const std::string& root,
                                      const std::string& extension) {
  const Csv csv = read_csv(path);
  const std::size_t work = csv.find("work_id");
  const std::size_t track = csv.find("track_id");
  if (csv.columns.size() != 2 || work == Csv::kNone || track == Csv::kNone)
    throw Error(fmt::format("{}: expected the columns work_id and track_id, found {}", path,
                            quote(fmt::format("{}", fmt::join(csv.columns, ",")))));
  std::vector<SongFile> songs;
  for (std::size_t i = 0; i < csv.rows.size(); ++i) {
    const std::string& w = csv.rows[i][work];
    const std::string& t = csv.rows[i][track];
    require_name(w, path, csv.lines[i]);
    require_name(t, path, csv.lines[i]);
    songs.push_back({t, w, (fs::path(root) / w / (t + extension)).string(), "", "", ""});
  }
  return songs;
}

std::vector<SongFile> read_song_list(const std::string& path, const std::string& folder) {
  const Csv csv = read_csv(path);
  std::vector<SongFile> songs(csv.rows.size());
  constexpr std::pair<const char*, std::string SongFile::*> kColumns[] = {
      {"song_id", &SongFile::song_id}, {"work_id", &SongFile::work_id},
      {"path", &SongFile::path},       {"title", &SongFile::title},
      {"artist", &SongFile::artist},   {"split", &SongFile::split}};
  for (std::size_t k = 0; k < std::size(kColumns); ++k) {
    const auto& [name, member] = kColumns[k];
    const std::size_t column = csv.find(name);
    if (column == Csv::kNone && k < 3)
      throw Error(fmt::format("{}: expected a column {}, found {}", path, name,
                              quote(fmt::format("{}", fmt::join(csv.columns, ",")))));
    for (std::size_t i = 0; i < songs.size() && column != Csv::kNone; ++i)
      songs[i].*member = csv.rows[i][column];
  }
  for (SongFile& song : songs) song.path = (fs::path(folder) / song.path).string();
  return songs;
}

std::vector<SongFile> song_files_below(const std::vector<std::string>& paths,
                                       const std::string& extension) {
  std::vector<SongFile> songs;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      const std::string name = fs::path(path).stem().string();
      songs.push_back({name, name, path, "", "", ""});
      continue;
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file() && entry.path().extension() == extension)
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const fs::path inside = file.parent_path().lexically_relative(path);
      const std::string id = file.lexically_relative(path).replace_extension().generic_string();
      songs.push_back(
          {id, inside == "." ? id : inside.generic_string(), file.string(), "", "", ""});
    }
  }
  return songs;
}

}  // namespace reprise
