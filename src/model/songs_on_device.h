#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reprise/backend.h"
#include "reprise/song_set.h"

namespace reprise {

/// Whole songs of a set where a back end can read them: in place where it shares the host's memory,
/// else copied to its own. The set must outlive this.
class SongsOnDevice {
 public:
  /// numbers: the songs, in any order, also twice.
  SongsOnDevice(Backend& backend, const SongSet& set, std::span<const std::int64_t> numbers)
      : chroma_(set.chroma()), copy_(backend, backend.host_memory() ? 0 : bytes_of(set, numbers)) {
    if (backend.host_memory()) {
      for (const std::int64_t song : numbers) excerpts_.push_back(set.whole(song));
      return;
    }
    const SongSet some = set.select(numbers);
    for (std::int64_t i = 0; i < std::ssize(numbers); ++i) excerpts_.push_back(some.whole(i));
    chroma_ = some.chroma();
    backend.upload(copy_.data(), chroma_.data, static_cast<std::size_t>(copy_.size()));
    chroma_.data = copy_.data();
  }

  ChromaView chroma() const { return chroma_; }
  /// In host memory: one for each song, of chroma().
  std::span<const Excerpt> excerpts() const { return excerpts_; }

 private:
  static std::int64_t bytes_of(const SongSet& set, std::span<const std::int64_t> numbers) {
    std::int64_t frames = 0;
    for (const std::int64_t song : numbers) frames += set.frames(song);
    return frames * set.bytes_of_frame();
  }

  ChromaView chroma_;
  Buffer<std::uint8_t> copy_;
  std::vector<Excerpt> excerpts_;
};

}  // namespace reprise
