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

/// Progress of a training run.
struct TrainingProgress {
  std::int64_t step = 0;  ///< steps done
  std::int64_t steps = 0;
  double loss = 0;  ///< of this step
  double gradient_norm = 0;
  double learning_rate = 0;
  double validation_map = -1;  ///< -1 where this step was not validated
  double best_map = -1;
  bool resident = true;          ///< all songs are in device memory; else batches are copied
  double seconds = 0;            ///< training time, including earlier parts of a resumed run
  std::function<Model()> model;  ///< returns the current model, without projection
};

/// A line of the log.
struct LoggedStep {
  std::int64_t step = 0;
  float loss = 0;
  float gradient_norm = 0;
  float learning_rate = 0;
  float validation_map = -1;  ///< -1 where this step was not validated
};

/// Output files of a run; an empty name writes none.
struct TrainingFiles {
  std::string model = {};       ///< the best model, when training is finished
  std::string checkpoint = {};  ///< state to resume from
  std::string log = {};         ///< comma-separated values, one line for each logged step
  std::string curve = {};       ///< loss and validation MAP, SVG

  /// MODEL.safetensors, MODEL.checkpoint.safetensors, MODEL.log.csv, MODEL.loss.svg.
  static TrainingFiles beside(const std::string& model);
};

/// All optional: train(backend, set, config) trains in memory.
struct TrainingOptions {
  TrainingFiles files = {};
  bool resume = false;            ///< continue from files.checkpoint
  std::vector<float> start = {};  ///< initial weights [weight_count()]; empty: drawn at random
  std::function<void(const TrainingProgress&)> report = {};  ///< called after every step
  const std::atomic<bool>* stop =
      nullptr;  ///< set it to true to end the run after the current step
};

struct TrainingOutcome {
  bool finished = false;  ///< false: ended by `stop`; the checkpoint is written
  Model model;            ///< the best model with its projection, if finished
  double best_map = -1;
  std::vector<LoggedStep> log;  ///< including earlier parts of a resumed run
};

/// Trains on the `train` split and keeps the weights with the highest MAP on the `validation` split
/// (without one: the last weights):
///
///   const auto backend = make_cpu_backend(0);
///   const SongSet set = read_song_set("songs.h5");
///   const Model model = train(*backend, set, Config::of_preset("reprise"),
///                             {.files = TrainingFiles::beside("model.safetensors")}).model;
///
/// A resumed run ends with the same weights, bit for bit, as an uninterrupted one. Throws
/// InputError if the set has no train work with two songs, or if training diverges.
TrainingOutcome train(Backend& backend, const SongSet& set, const Config& config,
                      const TrainingOptions& options = {});

}  // namespace reprise
