#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/view.h"

namespace reprise {

/// Songs as chroma, one after another, with what is known of them: one HDF5 file.
/// A work (clique) is a composition; a song is one performance of it.
/// Threads: any number may read one at once.
struct SongSet {
  std::string path;              ///< file it was read from, for messages
  std::string source;            ///< free text
  double frames_per_second = 0;  ///< 0 where the file does not say (beat-synchronous frames, say)
  /// What made the chroma, and its settings, in one line (`audio rate=22050 ...`); equal lines
  /// stand for equal front ends. Empty where the file does not say.
  std::string chroma_source;

  int bands = 1;                        ///< of a frame, 1 to kMaxBands
  std::vector<std::string> band_names;  ///< [bands], unique (full, bass, ...), or empty

  ChromaType type = ChromaType::float32;
  std::vector<float> chroma_float;         ///< [frames, width()] where type is float32
  std::vector<std::uint8_t> chroma_uint8;  ///< [frames, width()], value * 255, where it is uint8
  /// [frames, width()] of `type` in a mapped file, where the chroma is not held in memory: the two
  /// above are then empty.
  std::shared_ptr<const void> mapped_chroma;
  std::vector<std::int64_t> offsets{0};  ///< [songs + 1]; song i owns rows offsets[i]..offsets[i+1]

  std::vector<std::string> song_id;  ///< [songs], unique
  std::vector<std::string> work_id;  ///< [songs]
  std::vector<std::string> split;    ///< [songs]: train, validation, test or noise
  std::vector<std::string> title;    ///< [songs], or empty
  std::vector<std::string> artist;   ///< [songs], or empty
  /// [songs], or empty: the arrangement a song performs. Songs of one tune differ in performance
  /// only.
  std::vector<std::string> tune_id;
  /// [songs], or empty: 0 to 1, melodic similarity to the closest other version; NaN where unknown.
  std::vector<float> melodic_similarity;

  int width() const { return bands * kPitchClasses; }
  std::int64_t songs() const { return static_cast<std::int64_t>(song_id.size()); }
  std::int64_t frames() const { return offsets.back(); }
  std::int64_t frames(std::int64_t song) const { return offsets[song + 1] - offsets[song]; }
  ChromaView chroma() const {
    const void* data = mapped_chroma               ? mapped_chroma.get()
                       : type == ChromaType::uint8 ? static_cast<const void*>(chroma_uint8.data())
                                                   : static_cast<const void*>(chroma_float.data());
    return view_of(data, frames());
  }
  /// Frames of the set that lie elsewhere, one after another.
  ChromaView view_of(const void* data, std::int64_t count) const {
    return {data, type, count, bands, width()};
  }
  /// [frames, width()] of one song.
  ChromaView chroma_of(std::int64_t song) const {
    return view_of(chroma().from(offsets[song]).data, frames(song));
  }
  std::int64_t bytes_of_frame() const {
    return width() * (type == ChromaType::uint8 ? 1 : std::int64_t{sizeof(float)});
  }
  Excerpt whole(std::int64_t song, int roll = 0) const {
    return {offsets[song], static_cast<std::int32_t>(frames(song)), roll};
  }
  /// Numbers of the songs of a split, ascending.
  std::vector<std::int64_t> songs_of(std::string_view split_name) const;
  /// Songs of these numbers, in this order, as a set of their own in memory, with all that is known
  /// of them. `parts`: the rows that are kept of each; empty: all.
  SongSet select(std::span<const std::int64_t> numbers, std::span<const Excerpt> parts = {}) const;
  /// Number of the song with this id, or -1.
  std::int64_t find(std::string_view id) const;
};

/// Throws Error with both where a set's songs have other bands than `bands`, or bands of other
/// names (no names fit any). `of` says whose they are, for the message.
void check_bands(const SongSet& set, int bands, const std::vector<std::string>& names,
                 const std::string& of);
/// For people: "1 band", "3 bands (full, bass, treble)".
std::string describe_bands(int bands, const std::vector<std::string>& names);

/// A chroma value from 0 to 1 as ChromaType::uint8 keeps it.
std::uint8_t chroma_byte(float value);

/// Chroma of more bytes than this lies in a mapped file, not in memory, and unpacked in files.
inline constexpr std::int64_t kChromaInMemory = std::int64_t{1} << 30;

/// Chroma of more than `in_memory` bytes is mapped: where the file has it unpacked in one piece in
/// place (the file must keep its length meanwhile), else unpacked once into a scratch file (under
/// TMPDIR, else /var/tmp).
/// Throws Error naming the file, what was expected and what was found: not HDF5, missing or
/// wrong-shaped datasets, offsets that do not ascend from 0 to the number of frames, empty songs,
/// NaN, infinite or negative chroma, duplicate song ids, unknown splits.
SongSet read_song_set(const std::string& path, std::int64_t in_memory = kChromaInMemory);

/// Writes beside the target and renames, so that a failure leaves no half-written file.
void write_song_set(const std::string& path, const SongSet& songs);

/// The songs of several sets, one after another; fields that only some sets have are empty for the
/// songs of the others. Throws Error where two songs have the same id, or two
/// sets other frame rates, other bands or chroma made otherwise.
SongSet join_song_sets(std::vector<SongSet> sets);

}  // namespace reprise
