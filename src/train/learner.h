#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "model/event_pairs.h"
#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/song_set.h"
#include "train/checkpoint.h"
#include "train/sampler.h"
#include "train/training_songs.h"

namespace reprise {

/// The back end's side of a training run: chroma, learned values, and the memory of one step.
class Learner {
 public:
  /// Begins with the learned values and moments of `state`. Keeps references to all but it.
  Learner(Backend& backend, const SongSet& set, const Config& config, const Checkpoint& state);
  ~Learner();

  /// Whether all songs are in the back end's memory.
  bool resident() const { return songs_.resident(); }

  struct Step {
    double loss;
    double gradient_norm;
  };

  /// Learns from a batch; `number` counts steps from 0.
  Step step(const TrainingBatch& batch, std::int64_t number, double learning_rate);

  /// Copies the learned values and moments into `state`.
  void save(Checkpoint& state) const;

 private:
  struct Memory;  // of a step on so many rows

  Memory& memory(std::int64_t rows);
  void upload(const TrainingBatch& batch, Memory& m);
  void run_step(Memory& m);
  void find_fingerprints(Memory& m);
  void find_gradient(Memory& m);
  void keep_pairs(Memory& m) const;
  void spread_gradient(Memory& m) const;
  void tie_gradient();
  SongBatch event_source(const Memory& m) const;
  std::int64_t weights() const { return learned_.size() - 1; }  // but for the temperature

  Backend& backend_;
  const Config& config_;
  BigramParams bigrams_;
  std::optional<EventPairs> pairs_;
  PatchworkParams patchwork_;
  AugmentParams augment_;
  LossParams loss_;
  AdamParams adam_;
  TrainingSongs songs_;
  Buffer<float> learned_, moment1_, moment2_, gradient_, numbers_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace reprise
