#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/hdf5_reader.h"

namespace reprise {

/// What the Million Song Dataset (Bertin-Mahieux, Ellis, Whitman & Lamere 2011) knows of a track,
/// as far as it is used here.
struct MillionSong {
  std::string track_id;
  std::string song_id;
  std::string title;
  std::string artist;
  std::string artist_id;
  std::string audio_md5;
  double duration = 0;                   ///< seconds
  std::vector<double> segment_start;     ///< [segments], seconds, ascending
  std::vector<double> segment_loudness;  ///< [segments], dB at the segment's start
  std::vector<double> segment_pitches;   ///< [segments, 12], column 0 is C, each row's maximum 1
  std::vector<double> beat_start;        ///< [beats], seconds, ascending
};

/// One HDF5 file of the dataset: a song's own, or an aggregate of many songs. A summary file, which
/// has no segments, is refused, as are times that do not ascend and values that are not finite.
class MillionSongFile {
 public:
  explicit MillionSongFile(const std::string& path);
  MillionSongFile(std::span<const std::uint8_t> image, const std::string& path);

  const std::vector<std::string>& track_ids() const { return track_ids_; }
  MillionSong read(std::size_t row) const;

 private:
  void index();
  std::vector<std::int64_t> starts(const std::string& field) const;
  std::vector<double> slice(const std::string& dataset, std::int64_t width,
                            const std::vector<std::int64_t>& starts, std::size_t row) const;

  hdf5::Reader file_;
  std::vector<std::string> track_ids_, audio_md5_, song_ids_, titles_, artists_, artist_ids_;
  std::vector<double> durations_;
  std::vector<std::int64_t> pitch_starts_, segment_starts_, loudness_starts_, beat_starts_;
};

/// Songs of the dataset by track id. Each source is an aggregate file, or a folder with a file a
/// song: at A/B/C/TRACKID.h5 after the id's third to fifth letters (also below `data`), or
/// TRACKID.h5.
class MillionSongs {
 public:
  explicit MillionSongs(const std::vector<std::string>& sources);

  /// Nothing where no source has this track. Throws Error where its file is damaged.
  std::optional<MillionSong> find(const std::string& track_id) const;

 private:
  struct Place {
    std::size_t file;
    std::size_t row;
  };
  std::vector<std::string> folders_;
  std::vector<std::unique_ptr<MillionSongFile>> aggregates_;
  std::unordered_map<std::string, Place> places_;
};

/// Letters and digits only: what may become a part of a path.
bool is_track_id(std::string_view text);

}  // namespace reprise
