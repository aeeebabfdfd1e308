#include "reprise/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "model/feature.h"
#include "model/keys.h"
#include "model/projection.h"
#include "reprise/calibrate.h"
#include "reprise/error.h"
#include "reprise/evaluate.h"
#include "train/checkpoint.h"
#include "train/initial_weights.h"
#include "train/learner.h"
#include "train/sampler.h"
#include "train/schedule.h"
#include "train/training_log.h"

namespace reprise {
namespace {

constexpr std::int64_t kLogEvery = 10;  // steps

using Clock = std::chrono::steady_clock;

void check_learnable(const Config& config) {
  config.validate();
  if (config.feature == Feature::melody_and_chroma || config.normalisation != Normalisation::none)
    throw SettingsError(
        "train: expected one stream and normalisation none: two streams and normalised "
        "co-occurrences cannot be learned through");
}

PitchHistogram key_template(const SongSet& set, const Config& config) {
  if (config.key_mode != KeyMode::canonical) return {};
  std::vector<PitchHistogram> histograms;
  for (const std::int64_t song : set.songs_of("train"))
    histograms.push_back(pitch_histogram(set, song));
  return learn_key_template(histograms);
}

// The songs as the learner reads them; empty where it reads the chroma itself.
SongSet learned_features(const SongSet& set, const Config& config) {
  if (config.feature == Feature::chroma) return {};
  std::vector<std::int64_t> all(set.songs());
  std::iota(all.begin(), all.end(), 0);
  return with_feature(set, all, config.feature);
}

Checkpoint first_state(const SongSet& set, const Config& config, const TrainingOptions& options) {
  Checkpoint state;
  state.learned = initial_weights(config, options.start);
  if (options.resume) {
    const std::string& path = options.files.checkpoint;
    if (path.empty()) throw SettingsError("train: expected a checkpoint file to resume from");
    const std::size_t size = state.learned.size();
    state = read_checkpoint(path);
    check_resumable(state, path, config, set, size);
    return state;
  }
  state.config = config.to_json();
  state.data = data_name(set);
  state.moment1.assign(state.learned.size(), 0.0f);
  state.moment2.assign(state.learned.size(), 0.0f);
  return state;
}

// One run, from its first state to its last.
class Training {
 public:
  Training(Backend& backend, const SongSet& set, const Config& config,
           const TrainingOptions& options)
      : backend_(backend),
        set_(set),
        config_(config),
        files_(options.files),
        key_(key_template(set, config)),
        sampler_(set, config, key_),
        state_(first_state(set, config, options)) {
    if (!set.songs_of("validation").empty()) validation_ = make_protocol(set, "validation");
    if (!options.resume) save_checkpoint();  // a target that cannot be written fails now
    features_ = learned_features(set, config);
    learner_.emplace(backend, config.feature == Feature::chroma ? set : features_, config, state_);
    seconds_before_ = state_.seconds;
    begin_ = Clock::now();
  }

  bool finished() const { return state_.step == config_.steps; }

  TrainingProgress step() {
    TrainingProgress progress;
    progress.learning_rate = learning_rate_at(config_, state_.step);
    const Learner::Step done =
        learner_->step(sampler_.draw(state_.step), state_.step, progress.learning_rate);
    progress.step = ++state_.step;
    progress.steps = config_.steps;
    progress.loss = done.loss;
    progress.gradient_norm = done.gradient_norm;
    progress.resident = learner_->resident();
    if (!std::isfinite(done.loss) || !std::isfinite(done.gradient_norm))
      throw InputError(
          fmt::format("training diverged at step {}: the loss is {}, the gradient's norm {}: "
                      "lower the learning rate",
                      state_.step, done.loss, done.gradient_norm));
    const bool check = state_.step % config_.validate_every == 0 || finished();
    if (check) progress.validation_map = validate();
    progress.best_map = state_.best_map;
    if (check || state_.step % kLogEvery == 0 || state_.step == 1) log(progress);
    if (check) save();
    progress.seconds = seconds();
    progress.model = [this] {
      learner_->save(state_);
      return model_of(state_.learned);
    };
    return progress;
  }

  // The learner's state, its log and its curves into files.
  void save() {
    learner_->save(state_);
    state_.seconds = seconds();
    save_checkpoint();
    write_log(files_, state_.log);
  }

  TrainingOutcome outcome() const {
    TrainingOutcome outcome;
    outcome.best_map = state_.best_map;
    outcome.log = state_.log;
    outcome.finished = finished();
    if (!finished()) return outcome;
    outcome.model = model_of(state_.best);
    outcome.model.chroma_source = set_.chroma_source;
    outcome.model.band_names = set_.band_names;
    fit_projection(backend_, set_, outcome.model);
    if (validation_) calibrate(backend_, set_, *validation_, outcome.model);
    if (!files_.model.empty()) write_model(files_.model, outcome.model);
    return outcome;
  }

 private:
  // The MAP on the validation split, -1 where there is none, and whether these weights are the best
  // so far.
  double validate() {
    learner_->save(state_);
    double map = -1;
    if (validation_) {
      ModelFingerprinter method(backend_, model_of(state_.learned), "validation");
      map = evaluate(backend_, set_, *validation_, method).accuracy.map;
    }
    if (!validation_ || map > state_.best_map) {
      state_.best_map = map;
      state_.best = state_.learned;
    }
    return map;
  }

  void log(const TrainingProgress& p) {
    state_.log.push_back({p.step, static_cast<float>(p.loss), static_cast<float>(p.gradient_norm),
                          static_cast<float>(p.learning_rate),
                          static_cast<float>(p.validation_map)});
  }

  void save_checkpoint() const {
    if (!files_.checkpoint.empty()) write_checkpoint(files_.checkpoint, state_);
  }

  Model model_of(const std::vector<float>& learned) const {
    Model model;
    model.config = config_;
    model.key_template = key_;
    model.weights.assign(learned.begin(), learned.end() - 1);
    return model;
  }

  double seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  Backend& backend_;
  const SongSet& set_;
  const Config& config_;
  const TrainingFiles& files_;
  PitchHistogram key_;
  Sampler sampler_;
  std::optional<Protocol> validation_;
  Checkpoint state_;
  SongSet features_;
  std::optional<Learner> learner_;
  double seconds_before_ = 0;
  Clock::time_point begin_;
};

}  // namespace

TrainingFiles TrainingFiles::beside(const std::string& model) {
  std::string stem = model;
  const std::string extension = ".safetensors";
  if (stem.ends_with(extension)) stem.resize(stem.size() - extension.size());
  return {model, stem + ".checkpoint.safetensors", stem + ".log.csv", stem + ".loss.svg"};
}

TrainingOutcome train(Backend& backend, const SongSet& set, const Config& config,
                      const TrainingOptions& options) {
  check_learnable(config);
  check_bands(set, config.bands, {}, "the parameter bands says");
  check_projection(set, config);  // before a file is written and anything learned
  Training training(backend, set, config, options);
  while (!training.finished()) {
    if (options.stop && *options.stop) {
      training.save();
      break;
    }
    const TrainingProgress progress = training.step();
    if (options.report) options.report(progress);
  }
  return training.outcome();
}

}  // namespace reprise
