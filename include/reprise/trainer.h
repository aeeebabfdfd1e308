#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// What a training run tells while it goes.
struct TrainingProgress {
  std::int64_t step = 0;  ///< steps done
  std::int64_t steps = 0;
  double loss = 0;  ///< of this step
  double gradient_norm = 0;
  double rate = 0;
  double validation_map = -1;  ///< -1 where this step was not validated
  double best_map = -1;
  bool resident = true;  ///< all songs are in the back end's memory; else each batch is copied
  double seconds = 0;    ///< spent training, over all resumed parts
  std::function<Model()> model;  ///< gives the model as it is now, without projection
};

/// A line of the log.
struct LoggedStep {
  double step = 0;
  double loss = 0;
  double gradient_norm = 0;
  double rate = 0;
  double validation_map = -1;  ///< -1 where this step was not validated
};

struct TrainingFiles {
  std::string model;       ///< the best model so far, by validation MAP
  std::string checkpoint;  ///< all that a resumed run needs
  std::string log;         ///< comma-separated values, a line a step that was logged
  std::string curve;       ///< SVG

  /// MODEL.safetensors, MODEL.checkpoint.safetensors, MODEL.log.csv, MODEL.loss.svg.
  static TrainingFiles beside(const std::string& model);
};

struct TrainingOutcome {
  bool finished = false;  ///< false: stopped by `stop`, the checkpoint is written
  Model model;            ///< the best one, projection fitted, when finished
  double best_map = -1;
  std::vector<LoggedStep> log;  ///< of all resumed parts, when finished
};

/// Trains on the `train` split, choosing by MAP on the `validation` split (without one: the last
/// weights). Resumed from its checkpoint, a run ends in the same weights bit for bit as one that
/// was never stopped. `start`: the weights to begin from [weight_count()]; empty: they are drawn.
/// Throws Error where the set has no work with two songs to train on.
TrainingOutcome train(Backend& backend, const SongSet& set, const Config& config,
                      const TrainingFiles& files, bool resume,
                      const std::function<void(const TrainingProgress&)>& report,
                      const std::atomic<bool>& stop, std::span<const float> start = {});

}  // namespace reprise
