#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "model/keys.h"
#include "reprise/config.h"
#include "reprise/params.h"
#include "reprise/song_set.h"

namespace reprise {

/// What one training step sees. Rows 2p and 2p+1 are a pair, pitch-aligned.
struct TrainingBatch {
  std::vector<TrainingExcerpt> takes;  ///< [rows], excerpts of the whole set's chroma
  std::vector<std::int32_t> works;     ///< [rows], work numbers
};

/// Draws the batches of a training run. Batch `step` follows from the configuration, the set and
/// the step alone, so that a resumed run sees what an uninterrupted one would have seen.
class Sampler {
 public:
  /// Throws Error where the train split has no work with two songs.
  Sampler(const SongSet& set, const Config& config, const PitchHistogram& key_template);

  TrainingBatch draw(std::int64_t step);

  /// Rows of a batch, at most.
  static std::int64_t most_rows(const Config& config);

  std::int64_t works_with_versions() const { return static_cast<std::int64_t>(versions_.size()); }
  std::int64_t distractors() const { return static_cast<std::int64_t>(distractors_.size()); }
  std::int64_t pairs() const { return static_cast<std::int64_t>(cover_pairs_.size()); }

 private:
  struct Work {
    std::int32_t number;
    std::vector<std::int64_t> songs;  // positions in songs_
  };

  // A random order of items that is made anew for every pass over them.
  class Passes {
   public:
    // Which `per_step` of `count` items batch `step` takes: all different.
    std::span<const std::int64_t> pick(std::int64_t count, std::int64_t per_step, std::int64_t step,
                                       std::uint64_t seed);

   private:
    std::int64_t pass_ = -1;
    std::vector<std::int64_t> order_;  // of that pass: kept, as making it takes time with a million
  };

  TrainingBatch draw_works(std::int64_t step);
  TrainingBatch draw_pairs(std::int64_t step) const;
  void add_pair(std::int64_t a, std::int64_t b, std::uint64_t seed, TrainingBatch& batch) const;
  std::int64_t other_version(const Work& work, std::int64_t song, std::uint32_t draw) const;

  const SongSet& set_;
  const Config& config_;
  std::vector<std::int64_t> songs_;        // of the train split
  std::vector<PitchHistogram> histogram_;  // of each
  std::vector<int> key_;                   // roll to the canonical key; 0 where there is none
  std::vector<std::int32_t> work_;         // work number of each
  std::vector<Work> versions_;             // works with two tunes or more
  std::vector<Work> distractors_;          // the others
  std::vector<std::pair<std::int64_t, std::int64_t>> cover_pairs_;  // where sampling is pairs
  Passes version_passes_, distractor_passes_;
};

}  // namespace reprise
