#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/pieces.h"
#include "model/songs_on_device.h"
#include "reprise/backend.h"
#include "reprise/song_set.h"

namespace reprise {

/// Frames of the longest excerpt.
inline std::int64_t longest(std::span<const Excerpt> excerpts) {
  std::int32_t frames = 0;
  for (const Excerpt& e : excerpts) frames = std::max(frames, e.frames);
  return frames;
}

/// Hands songs of a set to `body` in pieces that fit in memory: body(chroma, excerpts, first), with
/// chroma that the back end can read and one whole-song excerpt (host) for each of songs[first
/// ...]. A piece that a device has not the memory for is handed out again in smaller ones.
template <class Body>
void for_each_song_batch(Backend& backend, const SongSet& set, std::span<const std::int64_t> songs,
                         Body&& body) {
  constexpr std::int64_t kFrames = 1 << 18;
  constexpr std::size_t kSongs = 512;
  for (std::size_t first = 0; first < songs.size();) {
    std::size_t count = 0;
    for (std::int64_t frames = 0; first + count < songs.size() && count < kSongs; ++count) {
      frames += set.frames(songs[first + count]);
      if (count > 0 && frames > kFrames) break;
    }
    in_pieces(static_cast<std::int64_t>(count), [&](std::int64_t begin, std::int64_t some) {
      const std::size_t at = first + static_cast<std::size_t>(begin);
      const SongsOnDevice piece(backend, set, songs.subspan(at, static_cast<std::size_t>(some)));
      body(piece.chroma(), piece.excerpts(), at);
    });
    first += count;
  }
}

}  // namespace reprise
