#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "reprise/song_set.h"

namespace reprise {

/// read_song_set from the bytes of a file; `path` is for messages.
SongSet parse_song_set(std::span<const std::uint8_t> image, const std::string& path);

}  // namespace reprise
