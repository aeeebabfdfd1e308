#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/pieces.h"
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
/// the piece's chroma in the back end's memory and one whole-song excerpt (host) for each of
/// songs[first ...]. A piece that a device has not the memory for is handed out again in smaller
/// ones.
template <class Body>
void for_each_song_batch(Backend& backend, const SongSet& set, std::span<const std::int64_t> songs,
                         Body&& body) {
  constexpr std::int64_t kFrames = 1 << 18;
  constexpr std::size_t kSongs = 512;
  const auto row = static_cast<std::size_t>(set.bytes_of_frame());
  const auto* data = static_cast<const std::uint8_t*>(set.chroma().data);
  for (std::size_t first = 0; first < songs.size();) {
    std::vector<Excerpt> excerpts;
    std::int64_t frames = 0;
    while (first + excerpts.size() < songs.size() && excerpts.size() < kSongs) {
      const Excerpt song = set.whole(songs[first + excerpts.size()]);
      if (!excerpts.empty() && frames + song.frames > kFrames) break;
      excerpts.push_back({frames, song.frames, 0});
      frames += song.frames;
    }
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(frames) * row);
    for (std::size_t i = 0; i < excerpts.size(); ++i)
      std::memcpy(bytes.data() + excerpts[i].first * row,
                  data + set.offsets[songs[first + i]] * row, excerpts[i].frames * row);
    in_pieces(std::ssize(excerpts), [&](std::int64_t begin, std::int64_t count) {
      std::vector<Excerpt> some(excerpts.begin() + begin, excerpts.begin() + begin + count);
      const std::int64_t start = some.front().first;
      for (Excerpt& song : some) song.first -= start;
      const std::int64_t rows = some.back().first + some.back().frames;
      const Buffer<std::uint8_t> chroma(
          backend, std::span<const std::uint8_t>(bytes).subspan(start * row, rows * row));
      body(set.view_of(chroma.data(), rows), std::span<const Excerpt>(some),
           first + static_cast<std::size_t>(begin));
    });
    first += excerpts.size();
  }
}

}  // namespace reprise
