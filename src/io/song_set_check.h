#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reprise/song_set.h"

namespace reprise {

/// The rules of a song set, the same for reading and writing. `path` is for messages. Each throws
/// Error naming the dataset, what was expected, what was found and the first song or row at fault.

/// Ascending from 0 to `frames`: at least one song, none empty, none of 2^31 frames or more.
void check_offsets(const std::vector<std::int64_t>& offsets, std::int64_t frames,
                   const std::string& path);

/// Everything: lengths of all members, offsets, chroma finite and not negative, song ids unique,
/// ids without control characters (they are written one a line), text UTF-8, splits known.
void check_song_set(const SongSet& set, const std::string& path);

}  // namespace reprise
