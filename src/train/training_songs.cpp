#include "train/training_songs.h"

#include <algorithm>

namespace reprise {
namespace {

// Half of the memory is left to the steps.
bool fits(const Backend& backend, const SongSet& set) {
  return backend.host_memory() ||
         static_cast<std::size_t>(set.frames() * set.bytes_of_frame()) <= backend.free_memory() / 2;
}

// No batch has more frames than this.
std::int64_t longest_batch(const SongSet& set, const std::vector<std::int64_t>& songs,
                           std::int64_t rows) {
  std::int64_t longest = 0;
  for (const std::int64_t song : songs) longest = std::max(longest, set.frames(song));
  return longest * rows;
}

}  // namespace

TrainingSongs::TrainingSongs(Backend& backend, const SongSet& set,
                             const std::vector<std::int64_t>& songs, std::int64_t rows)
    : backend_(backend),
      set_(set),
      resident_(fits(backend, set)),
      frames_(resident_ ? set.frames() : longest_batch(set, songs, rows)),
      chroma_(backend, backend.host_memory() ? 0 : frames_ * set.bytes_of_frame()) {
  if (resident_ && !backend.host_memory())
    backend.upload(chroma_.data(), set.chroma().data, static_cast<std::size_t>(chroma_.size()));
}

ChromaView TrainingSongs::view() const {
  // A back end that shares the host's memory reads the set where it lies.
  return set_.view_of(backend_.host_memory() ? set_.chroma().data : chroma_.data(), frames_);
}

std::vector<TrainingExcerpt> TrainingSongs::place(const std::vector<TrainingExcerpt>& takes) {
  std::vector<TrainingExcerpt> placed = takes;
  if (resident_) return placed;
  const auto* host = static_cast<const std::uint8_t*>(set_.chroma().data);
  const std::int64_t row = set_.bytes_of_frame();
  std::int64_t next = 0;
  for (TrainingExcerpt& take : placed) {
    backend_.upload(chroma_.data() + next * row, host + take.excerpt.first * row,
                    static_cast<std::size_t>(take.excerpt.frames * row));
    take.excerpt.first = next;
    next += take.excerpt.frames;
  }
  return placed;
}

}  // namespace reprise
