#pragma once

#include <cstdint>
#include <vector>

#include "reprise/backend.h"
#include "reprise/song_set.h"

namespace reprise {

/// The set's chroma as training reads it: all of it in the back end's memory where that has room,
/// else the songs of each batch, copied before its step. A run is the same either way.
class TrainingSongs {
 public:
  /// songs: those that batches are drawn from; rows: excerpts of a batch, at most.
  TrainingSongs(Backend& backend, const SongSet& set, const std::vector<std::int64_t>& songs,
                std::int64_t rows);

  /// Whether all songs are in the back end's memory.
  bool resident() const { return resident_; }

  /// What the excerpts of placed takes are of; always at the same address.
  ChromaView view() const;

  /// The takes [at most rows] of excerpts of the set, as takes of excerpts of view().
  std::vector<TrainingExcerpt> place(const std::vector<TrainingExcerpt>& takes);

 private:
  Backend& backend_;
  const SongSet& set_;
  bool resident_;
  std::int64_t frames_;  // that view() has room for
  Buffer<std::uint8_t> chroma_;
};

}  // namespace reprise
