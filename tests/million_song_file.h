#pragma once

#include <hdf5.h>

#include <cstring>
#include <string>
#include <vector>

#include "collections/million_song.h"
#include "random_chroma.h"

namespace reprise {

/// Writes Million Song files as PyTables lays them out: chunked arrays of unlimited length and
/// tables of records, with shuffle and deflate. Fields and arrays that readers must pass over are
/// there too.
class MillionSongWriter {
 public:
  explicit MillionSongWriter(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    for (const char* group : {"analysis", "metadata"})
      H5Gclose(H5Gcreate2(file_, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  ~MillionSongWriter() { H5Fclose(file_); }

  void write(const std::vector<MillionSong>& songs, bool summary = false) {
    std::vector<double> starts, loudness, pitches, beats;
    std::vector<Analysis> analysis;
    std::vector<Metadata> metadata;
    for (const MillionSong& song : songs) {
      Analysis a{};
      a.duration = song.duration;
      a.idx_beats_start = static_cast<int>(beats.size());
      a.idx_segments_start = static_cast<int>(starts.size());
      a.idx_segments_loudness_start = static_cast<int>(loudness.size());
      a.idx_segments_pitches = static_cast<int>(pitches.size() / 12);
      copy(song.audio_md5, a.audio_md5);
      copy(song.track_id, a.track_id);
      analysis.push_back(a);
      Metadata m{};
      copy(song.artist_id, m.artist_id);
      copy(song.artist, m.artist_name);
      copy(song.song_id, m.song_id);
      copy(song.title, m.title);
      metadata.push_back(m);
      const auto append = [](std::vector<double>& to, const std::vector<double>& from) {
        to.insert(to.end(), from.begin(), from.end());
      };
      append(starts, song.segment_start);
      append(loudness, song.segment_loudness);
      append(pitches, song.segment_pitches);
      append(beats, song.beat_start);
    }
    const hid_t records = analysis_type();
    dataset("/analysis/songs", records, {analysis.size()}, {37}, analysis.data());
    H5Tclose(records);
    const hid_t texts = metadata_type();
    dataset("/metadata/songs", texts, {metadata.size()}, {3}, metadata.data());
    H5Tclose(texts);
    if (summary) return;
    numbers("/analysis/segments_start", starts, 1024);
    numbers("/analysis/segments_loudness_start", loudness, 1024);
    numbers("/analysis/beats_start", beats, 1024);
    dataset("/analysis/segments_pitches", H5T_NATIVE_DOUBLE, {pitches.size() / 12, 12}, {85, 12},
            pitches.data());
  }

 private:
  struct Analysis {
    int analysis_sample_rate;
    char audio_md5[32];
    double danceability;
    double duration;
    int idx_beats_start;
    int idx_segments_start;
    int idx_segments_loudness_start;
    int idx_segments_pitches;
    char track_id[32];
  };
  struct Metadata {
    char artist_id[32];
    char artist_name[1024];
    char song_id[32];
    char title[1024];
  };

  /// As much as fits, with no zero at the end where it fills the field: HDF5's null-padded strings.
  template <std::size_t N>
  static void copy(const std::string& text, char (&field)[N]) {
    std::memcpy(field, text.data(), std::min(N, text.size()));
  }
  static void insert_text(hid_t record, const char* name, std::size_t offset, std::size_t width) {
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, width);
    H5Tset_strpad(text, H5T_STR_NULLPAD);
    H5Tinsert(record, name, offset, text);
    H5Tclose(text);
  }
  static hid_t analysis_type() {
    const hid_t record = H5Tcreate(H5T_COMPOUND, sizeof(Analysis));
    H5Tinsert(record, "analysis_sample_rate", HOFFSET(Analysis, analysis_sample_rate),
              H5T_NATIVE_INT);
    insert_text(record, "audio_md5", HOFFSET(Analysis, audio_md5), 32);
    H5Tinsert(record, "danceability", HOFFSET(Analysis, danceability), H5T_NATIVE_DOUBLE);
    H5Tinsert(record, "duration", HOFFSET(Analysis, duration), H5T_NATIVE_DOUBLE);
    H5Tinsert(record, "idx_beats_start", HOFFSET(Analysis, idx_beats_start), H5T_NATIVE_INT);
    H5Tinsert(record, "idx_segments_start", HOFFSET(Analysis, idx_segments_start), H5T_NATIVE_INT);
    H5Tinsert(record, "idx_segments_loudness_start", HOFFSET(Analysis, idx_segments_loudness_start),
              H5T_NATIVE_INT);
    H5Tinsert(record, "idx_segments_pitches", HOFFSET(Analysis, idx_segments_pitches),
              H5T_NATIVE_INT);
    insert_text(record, "track_id", HOFFSET(Analysis, track_id), 32);
    return record;
  }
  static hid_t metadata_type() {
    const hid_t record = H5Tcreate(H5T_COMPOUND, sizeof(Metadata));
    insert_text(record, "artist_id", HOFFSET(Metadata, artist_id), 32);
    insert_text(record, "artist_name", HOFFSET(Metadata, artist_name), 1024);
    insert_text(record, "song_id", HOFFSET(Metadata, song_id), 32);
    insert_text(record, "title", HOFFSET(Metadata, title), 1024);
    return record;
  }
  void numbers(const char* name, const std::vector<double>& values, hsize_t chunk) {
    dataset(name, H5T_NATIVE_DOUBLE, {values.size()}, {chunk}, values.data());
  }
  void dataset(const char* name, hid_t type, const std::vector<hsize_t>& lengths,
               const std::vector<hsize_t>& chunk, const void* values) {
    const std::vector<hsize_t> unlimited(lengths.size(), H5S_UNLIMITED);
    std::vector<hsize_t> most = lengths;
    most[0] = H5S_UNLIMITED;
    const int axes = static_cast<int>(lengths.size());
    const hid_t space = H5Screate_simple(axes, lengths.data(), most.data());
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, axes, chunk.data());
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 1);
    const hid_t id = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (lengths[0] > 0) H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Pclose(creation);
    H5Sclose(space);
  }

  hid_t file_;
};

/// A song whose segments are uneven in length and loudness; the first is leading silence (all
/// pitches 1, -60 dB), and the last beat comes before or after the last segment, by `seed`.
inline MillionSong made_up_song(const std::string& track_id, std::uint64_t seed,
                                int segments = 120) {
  MillionSong song;
  song.track_id = track_id;
  song.song_id = "SO" + track_id;
  song.title = "Title of " + track_id;
  song.artist = "Artist";
  song.artist_id = "AR" + std::to_string(seed % 7);
  song.audio_md5 = std::to_string(1000000 + seed);
  Random random(seed);
  double time = 0;
  for (int s = 0; s < segments; ++s) {
    song.segment_start.push_back(time);
    time += double{random.uniform(0.05f, 0.6f)};
    song.segment_loudness.push_back(s == 0 ? -60 : double{random.uniform(-40, -3)});
  }
  const std::vector<float> pitches = random_chroma(segments, seed + 1);
  song.segment_pitches.assign(pitches.begin(), pitches.end());
  for (int c = 0; c < 12; ++c) song.segment_pitches[static_cast<std::size_t>(c)] = 1;
  song.duration = time;
  const double last = song.segment_start.back() + (seed % 2 == 0 ? -0.3 : 0.04);
  for (double beat = double{random.uniform(0.1f, 0.8f)}; beat < last;
       beat += double{random.uniform(0.2f, 0.7f)})
    song.beat_start.push_back(beat);
  song.beat_start.push_back(last);
  return song;
}

}  // namespace reprise
