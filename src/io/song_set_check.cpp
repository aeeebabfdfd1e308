#include "io/song_set_check.h"

#include <fmt/format.h>

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
  throw Error(fmt::format("{}: /{}: {}", path, dataset, message));
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

void check_utf8(const std::vector<std::string>& texts, std::string_view dataset,
                const std::string& path) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (!is_utf8(texts[i]))
      fail(path, dataset,
           fmt::format("expected UTF-8 text, found {} in song {}", quote(texts[i]), i));
}

void check_ids(const std::vector<std::string>& ids, std::string_view dataset,
               const std::string& path) {
  check_utf8(ids, dataset, path);
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i].empty() || has_control_character(ids[i]))
      fail(path, dataset,
           fmt::format("expected an id of printable characters, found {} in song {}", quote(ids[i]),
                       i));
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

/// uint8 chroma cannot be wrong.
void check_chroma(const SongSet& set, const std::string& path) {
  const std::int64_t values = set.frames() * kPitchClasses;
  if (set.type == ChromaType::uint8) {
    check_length(set.chroma_uint8, values, "chroma", path);
    return;
  }
  check_length(set.chroma_float, values, "chroma", path);
  const auto wrong = std::find_if(set.chroma_float.begin(), set.chroma_float.end(),
                                  [](float x) { return !std::isfinite(x) || x < 0; });
  if (wrong == set.chroma_float.end()) return;
  const std::int64_t at = wrong - set.chroma_float.begin();
  const std::int64_t row = at / kPitchClasses;
  const std::int64_t song =
      std::upper_bound(set.offsets.begin(), set.offsets.end(), row) - set.offsets.begin() - 1;
  fail(path, "chroma",
       fmt::format("expected finite values from 0 up, found {} in row {}, column {} (song {}, {})",
                   *wrong, row, at % kPitchClasses, song,
                   quote(set.song_id[static_cast<std::size_t>(song)])));
}

void check_split(const std::vector<std::string>& split, const std::string& path) {
  for (std::size_t i = 0; i < split.size(); ++i)
    if (std::find(kSplits.begin(), kSplits.end(), split[i]) == kSplits.end())
      fail(path, "split",
           fmt::format("expected train, validation, test or noise, found {} in song {}",
                       quote(split[i]), i));
}

void check_similarity(const std::vector<float>& similarity, const std::string& path) {
  for (std::size_t i = 0; i < similarity.size(); ++i)
    if (similarity[i] < 0 || similarity[i] > 1)
      fail(
          path, "melodic_similarity",
          fmt::format("expected values from 0 to 1 or NaN, found {} in song {}", similarity[i], i));
}

}  // namespace

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

  check_chroma(set, path);
  check_ids(set.song_id, "song_id", path);
  check_unique(set.song_id, "song_id", path);
  check_ids(set.work_id, "work_id", path);
  check_split(set.split, path);
  check_utf8(set.title, "title", path);
  check_utf8(set.artist, "artist", path);
  check_utf8(set.tune_id, "tune_id", path);
  check_similarity(set.melodic_similarity, path);
  if (!std::isfinite(set.frames_per_second) || set.frames_per_second < 0)
    throw Error(fmt::format("{}: attribute frames_per_second: expected a rate, found {}", path,
                            set.frames_per_second));
  if (!is_utf8(set.chroma_source) || has_control_character(set.chroma_source))
    throw Error(fmt::format("{}: attribute chroma: expected one line of UTF-8 text, found {}", path,
                            quote(set.chroma_source)));
}

}  // namespace reprise
