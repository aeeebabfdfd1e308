#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/song_set.h"
#include "reprise/song_set_writer.h"

namespace reprise {

/// Whether a song may be of this split: train, validation, test or noise.
bool is_split(std::string_view name);

/// The rules of a song set, the same for reading and writing. `path` is for messages. Each throws
/// Error naming the dataset, what was expected, what was found and the first song or row at fault.

/// Ascending from 0 to `frames`: at least one song, none empty, none of 2^31 frames or more.
void check_offsets(const std::vector<std::int64_t>& offsets, std::int64_t frames,
                   const std::string& path);

/// Everything: lengths of all members, offsets, chroma finite and not negative, song ids unique,
/// ids without control characters (they are written one a line), text UTF-8, splits known.
void check_song_set(const SongSet& set, const std::string& path);

/// What a set says of all its songs.
SongSetInfo info_of(const SongSet& set);
void check_info(const SongSetInfo& info, const std::string& path);

/// One song by itself, `number` being its place in the set; the values of its chroma, and how many.
void check_song(const SongInfo& song, std::int64_t number, const std::string& path);
void check_frames(std::size_t values, int width, const std::string& id, const std::string& path);
void check_values(std::span<const float> chroma, int width, std::int64_t number,
                  const std::string& id, const std::string& path);

}  // namespace reprise
