#include "io/song_set_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::array<std::string_view, 4> kSplits = {"train", "validation", "test", "noise"};

[[noreturn]] void fail(const std::string& path, std::string_view dataset,
                       const std::string& message) {
  throw InputError(fmt::format("{}: /{}: {}", path, dataset, message));
}

template <class T>
void check_length(const std::vector<T>& values, std::int64_t expected, std::string_view dataset,
                  const std::string& path) {
  if (static_cast<std::int64_t>(values.size()) != expected)
    fail(path, dataset, fmt::format("expected {} values, found {}", expected, values.size()));
}

/// Empty stands for a dataset that the file does not have.
template <class T>
void check_optional_length(const std::vector<T>& values, std::int64_t expected,
                           std::string_view dataset, const std::string& path) {
  if (!values.empty()) check_length(values, expected, dataset, path);
}

void check_utf8(const std::string& text, std::int64_t song, std::string_view dataset,
                const std::string& path) {
  if (!is_utf8(text))
    fail(path, dataset, fmt::format("expected UTF-8 text, found {} in song {}", quote(text), song));
}

void check_id(const std::string& id, std::int64_t song, std::string_view dataset,
              const std::string& path) {
  check_utf8(id, song, dataset, path);
  if (id.empty() || has_control_character(id))
    fail(path, dataset,
         fmt::format("expected an id of printable characters, found {} in song {}", quote(id),
                     song));
}

void check_split(const std::string& split, std::int64_t song, const std::string& path) {
  if (!is_split(split))
    fail(path, "split",
         fmt::format("expected train, validation, test or noise, found {} in song {}", quote(split),
                     song));
}

template <class Check>
void for_each_song(const std::vector<std::string>& texts, const Check& check) {
  for (std::size_t i = 0; i < texts.size(); ++i) check(texts[i], static_cast<std::int64_t>(i));
}

void check_unique(const std::vector<std::string>& ids, std::string_view dataset,
                  const std::string& path) {
  std::unordered_map<std::string_view, std::size_t> first;
  first.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto [seen, added] = first.emplace(ids[i], i);
    if (!added)
      fail(path, dataset,
           fmt::format("expected unique ids, found {} in songs {} and {}", quote(ids[i]),
                       seen->second, i));
  }
}

bool is_wrong(float value) {
  return !std::isfinite(value) || value < 0;
}

[[noreturn]] void fail_value(const std::string& path, float value, std::int64_t row,
                             std::int64_t column, std::int64_t song, const std::string& id) {
  fail(path, "chroma",
       fmt::format("expected finite values from 0 up, found {} in row {}, column {} (song {}, {})",
                   value, row, column, song, quote(id)));
}

/// uint8 chroma cannot be wrong. One pass, whether the values are in memory or in a mapped file.
void check_chroma(const SongSet& set, const std::string& path) {
  const std::int64_t values = set.frames() * set.width();
  const bool bytes = set.type == ChromaType::uint8;
  if (!set.mapped_chroma && bytes) check_length(set.chroma_uint8, values, "chroma", path);
  if (!set.mapped_chroma && !bytes) check_length(set.chroma_float, values, "chroma", path);
  if (bytes) return;
  const auto* const first = static_cast<const float*>(set.chroma().data);
  const auto* const wrong = std::find_if(first, first + values, is_wrong);
  if (wrong == first + values) return;
  const std::int64_t row = (wrong - first) / set.width();
  const std::int64_t song =
      std::upper_bound(set.offsets.begin(), set.offsets.end(), row) - set.offsets.begin() - 1;
  fail_value(path, *wrong, row, (wrong - first) % set.width(), song,
             set.song_id[static_cast<std::size_t>(song)]);
}

void check_band_names(int bands, const std::vector<std::string>& names, const std::string& path) {
  if (bands < 1 || bands > kMaxBands)
    throw InputError(
        fmt::format("{}: attribute bands: expected 1 to {}, found {}", path, kMaxBands, bands));
  const auto wrong = [&](const std::string& message) {
    throw InputError(fmt::format("{}: attribute band_names: {}", path, message));
  };
  if (!names.empty() && static_cast<int>(names.size()) != bands)
    wrong(fmt::format("expected {}, one a band, found {}", bands, names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || !is_utf8(names[i]) || has_control_character(names[i]) ||
        names[i].find(',') != std::string::npos)
      wrong(fmt::format("expected names of printable characters without a comma, found {}",
                        quote(names[i])));
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i))
      wrong(fmt::format("expected different names, found {} twice", quote(names[i])));
  }
}

void check_similarity(const std::vector<float>& similarity, const std::string& path) {
  for (std::size_t i = 0; i < similarity.size(); ++i)
    if (similarity[i] < 0 || similarity[i] > 1)
      fail(
          path, "melodic_similarity",
          fmt::format("expected values from 0 to 1 or NaN, found {} in song {}", similarity[i], i));
}

}  // namespace

bool is_split(std::string_view name) {
  return std::find(kSplits.begin(), kSplits.end(), name) != kSplits.end();
}

void check_offsets(const std::vector<std::int64_t>& offsets, std::int64_t frames,
                   const std::string& path) {
  const auto wrong = [&](const std::string& message) { fail(path, "offsets", message); };
  if (offsets.size() < 2)
    wrong(fmt::format("expected at least one song (2 values), found {}", offsets.size()));
  if (offsets[0] != 0) wrong(fmt::format("expected the first to be 0, found {}", offsets[0]));
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const std::int64_t first = offsets[i];
    const std::int64_t end = offsets[i + 1];
    if (end == first) wrong(fmt::format("expected frames in every song, found none in song {}", i));
    if (end < first)
      wrong(fmt::format("expected ascending values, found {} after {} (song {})", end, first, i));
    if (end > frames)
      wrong(fmt::format("expected at most {} (the rows of /chroma), found {} (the end of song {})",
                        frames, end, i));
    if (end - first > std::numeric_limits<std::int32_t>::max())
      wrong(fmt::format("expected fewer than 2^31 frames in a song, found {} in song {}",
                        end - first, i));
  }
  if (offsets.back() != frames)
    wrong(fmt::format("expected the last to be {} (the rows of /chroma), found {}", frames,
                      offsets.back()));
}

void check_song_set(const SongSet& set, const std::string& path) {
  if (set.offsets.empty()) fail(path, "offsets", "expected at least one song, found none");
  check_offsets(set.offsets, set.offsets.back(), path);
  const std::int64_t songs = static_cast<std::int64_t>(set.offsets.size()) - 1;
  check_length(set.song_id, songs, "song_id", path);
  check_length(set.work_id, songs, "work_id", path);
  check_length(set.split, songs, "split", path);
  check_optional_length(set.title, songs, "title", path);
  check_optional_length(set.artist, songs, "artist", path);
  check_optional_length(set.tune_id, songs, "tune_id", path);
  check_optional_length(set.melodic_similarity, songs, "melodic_similarity", path);

  check_band_names(set.bands, set.band_names, path);
  check_chroma(set, path);
  const auto ids = [&](const std::vector<std::string>& values, std::string_view dataset) {
    for_each_song(values,
                  [&](const std::string& id, std::int64_t i) { check_id(id, i, dataset, path); });
  };
  const auto texts = [&](const std::vector<std::string>& values, std::string_view dataset) {
    for_each_song(values, [&](const std::string& text, std::int64_t i) {
      check_utf8(text, i, dataset, path);
    });
  };
  ids(set.song_id, "song_id");
  check_unique(set.song_id, "song_id", path);
  ids(set.work_id, "work_id");
  for_each_song(set.split,
                [&](const std::string& split, std::int64_t i) { check_split(split, i, path); });
  texts(set.title, "title");
  texts(set.artist, "artist");
  texts(set.tune_id, "tune_id");
  check_similarity(set.melodic_similarity, path);
  check_info(info_of(set), path);
}

SongSetInfo info_of(const SongSet& set) {
  return {set.source, set.chroma_source, set.frames_per_second,
          set.type,   set.bands,         set.band_names};
}

void check_info(const SongSetInfo& info, const std::string& path) {
  if (!std::isfinite(info.frames_per_second) || info.frames_per_second < 0)
    throw InputError(fmt::format("{}: attribute frames_per_second: expected a rate, found {}", path,
                                 info.frames_per_second));
  if (!is_utf8(info.chroma_source) || has_control_character(info.chroma_source))
    throw InputError(fmt::format("{}: attribute chroma: expected one line of UTF-8 text, found {}",
                                 path, quote(info.chroma_source)));
  check_band_names(info.bands, info.band_names, path);
}

void check_song(const SongInfo& song, std::int64_t number, const std::string& path) {
  check_id(song.song_id, number, "song_id", path);
  check_id(song.work_id, number, "work_id", path);
  check_split(song.split, number, path);
  check_utf8(song.title, number, "title", path);
  check_utf8(song.artist, number, "artist", path);
  check_utf8(song.tune_id, number, "tune_id", path);
}

void check_frames(std::size_t values, int width, const std::string& id, const std::string& path) {
  const auto row = static_cast<std::size_t>(width);
  if (values == 0 || values % row != 0 || values / row > std::numeric_limits<std::int32_t>::max())
    fail(path, "chroma",
         fmt::format("expected frames of {} values, found {} values in {}", width, values,
                     quote(id)));
}

void check_values(std::span<const float> chroma, int width, std::int64_t number,
                  const std::string& id, const std::string& path) {
  const auto wrong = std::find_if(chroma.begin(), chroma.end(), is_wrong);
  if (wrong == chroma.end()) return;
  const std::int64_t at = wrong - chroma.begin();
  fail_value(path, *wrong, at / width, at % width, number, id);
}

std::string describe_bands(int bands, const std::vector<std::string>& names) {
  return fmt::format("{} band{}{}", bands, bands == 1 ? "" : "s",
                     names.empty() ? "" : fmt::format(" ({})", fmt::join(names, ", ")));
}

void check_bands(const SongSet& set, int bands, const std::vector<std::string>& names,
                 const std::string& of) {
  if (set.bands == bands && (names.empty() || set.band_names.empty() || names == set.band_names))
    return;
  throw InputError(fmt::format("{}: expected songs of {} as {}, found {}", set.path,
                               describe_bands(bands, names), of,
                               describe_bands(set.bands, set.band_names)));
}

}  // namespace reprise
