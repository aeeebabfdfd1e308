#include "collections/million_song.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

constexpr const char* kAnalysis = "/analysis/songs";
constexpr const char* kMetadata = "/metadata/songs";

void require_finite(const std::vector<double>& values, const std::string& path,
                    std::string_view dataset) {
  const auto wrong =
      std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
  if (wrong != values.end())
    throw InputError(fmt::format("{}: {}: expected finite values, found {} at {}", path, dataset,
                                 *wrong, wrong - values.begin()));
}

void require_times(const std::vector<double>& times, const std::string& path,
                   std::string_view dataset) {
  require_finite(times, path, dataset);
  const auto wrong = std::adjacent_find(times.begin(), times.end(), std::greater<>());
  if (wrong != times.end())
    throw InputError(fmt::format("{}: {}: expected ascending times, found {} after {}", path,
                                 dataset, wrong[1], wrong[0]));
}

}  // namespace

bool is_track_id(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return text.size() >= 5 && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

MillionSongFile::MillionSongFile(const std::string& path) : file_(path) {
  index();
}

MillionSongFile::MillionSongFile(std::span<const std::uint8_t> image, const std::string& path)
    : file_(image, path) {
  index();
}

void MillionSongFile::index() {
  if (!file_.has("/analysis/songs") || !file_.has("/metadata/songs"))
    throw InputError(
        fmt::format("{}: expected a Million Song file (/analysis/songs and "
                    "/metadata/songs), found none",
                    file_.path()));
  if (!file_.has("/analysis/segments_pitches"))
    throw InputError(
        fmt::format("{}: expected songs with their segments, found a summary file, which "
                    "has none",
                    file_.path()));
  track_ids_ = file_.field_texts(kAnalysis, "track_id");
  audio_md5_ = file_.field_texts(kAnalysis, "audio_md5");
  durations_ = file_.field_numbers<double>(kAnalysis, "duration");
  song_ids_ = file_.field_texts(kMetadata, "song_id");
  titles_ = file_.field_texts(kMetadata, "title");
  artists_ = file_.field_texts(kMetadata, "artist_name");
  artist_ids_ = file_.field_texts(kMetadata, "artist_id");
  if (track_ids_.empty() || song_ids_.size() != track_ids_.size())
    throw InputError(
        fmt::format("{}: expected as many songs in /metadata/songs as in /analysis/songs, "
                    "found {} and {}",
                    file_.path(), song_ids_.size(), track_ids_.size()));
  pitch_starts_ = starts("idx_segments_pitches");
  segment_starts_ = starts("idx_segments_start");
  loudness_starts_ = starts("idx_segments_loudness_start");
  beat_starts_ = starts("idx_beats_start");
}

/// A single file has one song, which starts at 0, whatever the field says.
std::vector<std::int64_t> MillionSongFile::starts(const std::string& field) const {
  if (track_ids_.size() == 1) return {0};
  return file_.field_numbers<std::int64_t>(kAnalysis, field);
}

/// A song's part of an array lies between its start and the next song's.
std::vector<double> MillionSongFile::slice(const std::string& dataset, std::int64_t width,
                                           const std::vector<std::int64_t>& starts,
                                           std::size_t row) const {
  const hdf5::Shape shape = width > 1 ? hdf5::Shape{hdf5::kAny, width} : hdf5::Shape{hdf5::kAny};
  const hdf5::Dataset source = file_.dataset(dataset, shape);
  const std::int64_t first = starts[row];
  const std::int64_t end = row + 1 < starts.size() ? starts[row + 1] : source.shape[0];
  if (first < 0 || end < first || end > source.shape[0])
    throw InputError(fmt::format("{}: {}: expected rows {} to {} (song {}), found {} rows",
                                 file_.path(), dataset, first, end, quote(track_ids_[row]),
                                 source.shape[0]));
  return file_.rows<double>(source, first, end - first);
}

MillionSong MillionSongFile::read(std::size_t row) const {
  MillionSong song;
  song.track_id = track_ids_[row];
  song.song_id = to_utf8(song_ids_[row]);
  song.title = to_utf8(titles_[row]);
  song.artist = to_utf8(artists_[row]);
  song.artist_id = artist_ids_[row];
  song.audio_md5 = audio_md5_[row];
  song.duration = durations_[row];
  const std::string& path = file_.path();
  if (!is_track_id(song.track_id))
    throw InputError(
        fmt::format("{}: /analysis/songs: expected a track id of letters and digits, "
                    "found {}",
                    path, quote(song.track_id)));
  if (!std::isfinite(song.duration) || song.duration < 0)
    throw InputError(
        fmt::format("{}: /analysis/songs: expected a duration, found {}", path, song.duration));
  song.segment_start = slice("/analysis/segments_start", 1, segment_starts_, row);
  song.segment_loudness = slice("/analysis/segments_loudness_start", 1, loudness_starts_, row);
  song.segment_pitches = slice("/analysis/segments_pitches", kPitchClasses, pitch_starts_, row);
  song.beat_start = slice("/analysis/beats_start", 1, beat_starts_, row);
  const std::size_t segments = song.segment_start.size();
  if (song.segment_loudness.size() != segments ||
      song.segment_pitches.size() != segments * kPitchClasses)
    throw InputError(fmt::format(
        "{}: expected segments_start, segments_loudness_start and segments_pitches of equal "
        "length, found {}, {} and {} (song {})",
        path, segments, song.segment_loudness.size(), song.segment_pitches.size() / kPitchClasses,
        song.track_id));
  require_times(song.segment_start, path, "/analysis/segments_start");
  require_times(song.beat_start, path, "/analysis/beats_start");
  require_finite(song.segment_loudness, path, "/analysis/segments_loudness_start");
  require_finite(song.segment_pitches, path, "/analysis/segments_pitches");
  const auto negative = std::find_if(song.segment_pitches.begin(), song.segment_pitches.end(),
                                     [](double x) { return x < 0 || x > 1; });
  if (negative != song.segment_pitches.end())
    throw InputError(fmt::format(
        "{}: /analysis/segments_pitches: expected values from 0 to 1, found {}", path, *negative));
  return song;
}

MillionSongs::MillionSongs(const std::vector<std::string>& sources) {
  for (const std::string& source : sources) {
    if (std::filesystem::is_directory(source)) {
      folders_.push_back(source);
      continue;
    }
    aggregates_.push_back(std::make_unique<MillionSongFile>(source));
    const auto& ids = aggregates_.back()->track_ids();
    for (std::size_t row = 0; row < ids.size(); ++row)
      places_.emplace(ids[row], Place{aggregates_.size() - 1, row});
  }
}

std::optional<MillionSong> MillionSongs::find(const std::string& track_id) const {
  if (const auto place = places_.find(track_id); place != places_.end())
    return aggregates_[place->second.file]->read(place->second.row);
  if (!is_track_id(track_id)) return std::nullopt;
  const std::string name = track_id + ".h5";
  const std::string nested =
      fmt::format("{}/{}/{}/{}", track_id[2], track_id[3], track_id[4], name);
  for (const std::string& folder : folders_)
    for (const std::string& inside : {nested, "data/" + nested, name}) {
      const std::string path = folder + "/" + inside;
      if (!std::filesystem::exists(path)) continue;
      const MillionSongFile file(path);
      if (file.track_ids().size() != 1 || file.track_ids()[0] != track_id)
        throw InputError(fmt::format("{}: expected the song {} alone, found {} ({} songs)", path,
                                     track_id, quote(file.track_ids()[0]),
                                     file.track_ids().size()));
      return file.read(0);
    }
  return std::nullopt;
}

}  // namespace reprise
