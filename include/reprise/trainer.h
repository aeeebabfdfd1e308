#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// How far a training run has come.
struct TrainingProgress {
  std::int64_t step = 0;  ///< steps done
  std::int64_t steps = 0;
  double loss = 0;  ///< of this step
  double gradient_norm = 0;
  double learning_rate = 0;
  double validation_map = -1;  ///< -1 where this step was not validated
  double best_map = -1;
  bool resident = true;  ///< all songs are in the back end's memory; else each batch is copied
  double seconds = 0;    ///< spent training, over all resumed parts
  std::function<Model()> model;  ///< gives the model as it is now, without projection
};

/// A line of the log.
struct LoggedStep {
  std::int64_t step = 0;
  float loss = 0;
  float gradient_norm = 0;
  float learning_rate = 0;
  float validation_map = -1;  ///< -1 where this step was not validated
};

/// Where a run leaves what it learns; a file without a name is not written.
struct TrainingFiles {
  std::string model = {};       ///< the best model, when training is finished
  std::string checkpoint = {};  ///< all that a resumed run needs
  std::string log = {};         ///< comma-separated values, one line for each logged step
  std::string curve = {};       ///< loss and validation MAP, SVG

  /// MODEL.safetensors, MODEL.checkpoint.safetensors, MODEL.log.csv, MODEL.loss.svg.
  static TrainingFiles beside(const std::string& model);
};

/// All of it is optional: train(backend, set, config) trains in memory.
struct TrainingOptions {
  TrainingFiles files = {};
  bool resume = false;            ///< go on from files.checkpoint
  std::vector<float> start = {};  ///< initial weights [weight_count()]; empty: drawn at random
  std::function<void(const TrainingProgress&)> report = {};  ///< called after every step
  const std::atomic<bool>* stop = nullptr;  ///< ends the run after the step in which it turns true
};

struct TrainingOutcome {
  bool finished = false;  ///< false: ended by `stop`, and the checkpoint is written
  Model model;            ///< the best one, projection fitted, when finished
  double best_map = -1;
  std::vector<LoggedStep> log;  ///< of all resumed parts
};

/// Trains on the `train` split and keeps the weights with the highest MAP on the `validation` split
/// (without one: the last weights):
///
///   const auto backend = make_cpu_backend(0);
///   const SongSet set = read_song_set("songs.h5");
///   const Model model = train(*backend, set, Config::of_preset("reprise"),
///                             {.files = TrainingFiles::beside("model.safetensors")}).model;
///
/// A resumed run ends in the same weights, bit for bit, as one that was never stopped. Throws Error
/// where the set has no work with two songs to train on, and where training diverges.
TrainingOutcome train(Backend& backend, const SongSet& set, const Config& config,
                      const TrainingOptions& options = {});

}  // namespace reprise
