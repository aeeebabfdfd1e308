#include "reprise/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>

#include "core/files.h"
#include "core/svg.h"
#include "model/event_network.h"
#include "model/event_pairs.h"
#include "model/feature.h"
#include "model/keys.h"
#include "model/projection.h"
#include "reprise/calibrate.h"
#include "reprise/error.h"
#include "reprise/evaluate.h"
#include "reprise/random.h"
#include "train/checkpoint.h"
#include "train/sampler.h"
#include "train/training_songs.h"

namespace reprise {
namespace {

constexpr std::int64_t kLogEvery = 10;

AugmentParams augment_params(const Config& c) {
  AugmentParams p;
  p.crop = c.crop;
  p.stretch_low = static_cast<float>(c.stretch_low);
  p.stretch_high = static_cast<float>(c.stretch_high);
  p.drop = static_cast<float>(c.drop);
  p.noise = static_cast<float>(c.noise);
  p.power_low = static_cast<float>(c.power_low);
  p.power_high = static_cast<float>(c.power_high);
  p.power_share = static_cast<float>(c.power_share);
  return p;
}

AdamParams adam_params(const Config& c) {
  AdamParams p;
  p.beta1 = static_cast<float>(c.beta1);
  p.beta2 = static_cast<float>(c.beta2);
  p.epsilon = static_cast<float>(c.epsilon);
  p.clip = static_cast<float>(c.clip);
  return p;
}

LossParams loss_params(const Config& c) {
  LossParams p;
  p.loss = c.loss == "nt-xent"   ? Loss::nt_xent
           : c.loss == "triplet" ? Loss::triplet
                                 : Loss::contrastive;
  p.margin = static_cast<float>(c.margin);
  p.alpha = static_cast<float>(c.alpha);
  p.scale_max = static_cast<float>(c.scale_max);
  return p;
}

// The learning rate of a step (from 0): a linear rise, then constant or half a cosine to zero.
double rate_at(const Config& c, std::int64_t step) {
  const auto steps = static_cast<double>(c.steps);
  const double rise = std::floor(c.warm_up * steps);
  const auto at = static_cast<double>(step);
  if (at < rise) return c.rate * (at + 1) / rise;
  if (c.schedule == "constant") return c.rate;
  return c.rate * 0.5 *
         (1 + std::cos(std::numbers::pi * (at - rise) / std::max(1.0, steps - rise)));
}

// Makes the values of each kernel's 12 filters, which are rotations of one another, and of their
// biases the mean over the rotations.
void tie_rotations(const BigramParams& p, std::span<float> weights) {
  const int length = p.event_length, width = p.width();
  for (int k = 0; k < p.events; k += kPitchClasses) {
    for (int q = 0; q < length; ++q)
      for (int c = 0; c < width; ++c) {
        const auto at = [&](int r) -> float& {
          return weights[((k + r) * length + q) * width +
                         rolled_from(c, (kPitchClasses - r) % kPitchClasses)];
        };
        float sum = 0;
        for (int r = 0; r < kPitchClasses; ++r) sum += at(r);
        for (int r = 0; r < kPitchClasses; ++r) at(r) = sum / kPitchClasses;
      }
    float* bias = &weights[p.bias_offset() + k];
    const float mean = std::accumulate(bias, bias + kPitchClasses, 0.0f) / kPitchClasses;
    std::fill(bias, bias + kPitchClasses, mean);
  }
}

std::vector<float> initial_weights(const Config& config, std::span<const float> start) {
  const BigramParams p = bigram_params(config);
  Random random(Random::derive(static_cast<std::uint64_t>(config.seed), 0));
  const auto draw = [&](double deviation) {
    float value = random.normal();
    while (config.truncate_init && std::abs(value) > 2) value = random.normal();
    return value * static_cast<float>(deviation);
  };
  const std::int64_t count = weight_count(config);
  std::vector<float> learned(static_cast<std::size_t>(count) + 1);
  learned.back() = static_cast<float>(std::log(config.scale));
  if (!start.empty()) {
    if (static_cast<std::int64_t>(start.size()) != count)
      throw InputError(
          fmt::format("the weights to start from: expected {}, found {}: events, "
                      "event_length, windows and lags cannot be changed",
                      count, start.size()));
    std::copy(start.begin(), start.end(), learned.begin());
    return learned;
  }
  float* next = learned.data();
  for (const WeightTensor& tensor : weight_tensors(config)) {
    const bool bias = tensor.name.ends_with(".bias"), window = tensor.name == "windows.weight";
    for (std::int64_t i = 0; i < tensor.size(); ++i)
      *next++ = bias     ? static_cast<float>(config.event_bias)
                : window ? draw(config.window_deviation)
                         : draw(config.event_deviation);
  }
  if (config.tie_rotations) {
    // A mean of 12 draws would be 12 times less varied.
    for (int i = 0; i < p.bias_offset(); ++i) learned[i] *= std::sqrt(float{kPitchClasses});
    tie_rotations(p, learned);
  }
  return learned;
}

// Rows of a batch, at most.
std::int64_t most_rows(const Config& c) {
  return 2 * (c.sampling == "pairs" ? c.pairs_per_batch : c.works_per_batch);
}

// Names the data a checkpoint belongs to.
std::string data_name(const SongSet& set) {
  std::uint64_t hash = 0;
  for (std::int64_t i = 0; i < set.songs(); ++i) {
    for (const unsigned char c : set.song_id[i]) hash = Random::derive(hash, c);
    hash = Random::derive(hash, static_cast<std::uint64_t>(set.frames(i)));
  }
  return fmt::format("{} songs, {} frames, {:016x}", set.songs(), set.frames(), hash);
}

// The device's side of a run: chroma, learned values, and the memory of one step.
class Learner {
 public:
  Learner(Backend& backend, const SongSet& set, const Config& config, const Checkpoint& state)
      : backend_(backend),
        config_(config),
        bigrams_(bigram_params(config)),
        augment_(augment_params(config)),
        loss_(loss_params(config)),
        adam_(adam_params(config)),
        songs_(backend, set, set.songs_of("train"), most_rows(config)),
        learned_(backend, std::span<const float>(state.learned)),
        moment1_(backend, std::span<const float>(state.moment1)),
        moment2_(backend, std::span<const float>(state.moment2)),
        gradient_(backend, learned_.size()),
        numbers_(backend, 2) {
    if (!EventPairs::as_they_are(config)) pairs_.emplace(config);
  }

  /// Whether all songs are in the back end's memory.
  bool resident() const { return songs_.resident(); }

  struct Step {
    double loss;
    double gradient_norm;
  };

  Step step(const TrainingBatch& batch, std::int64_t number, double rate) {
    const auto rows = static_cast<std::int64_t>(batch.takes.size());
    Memory& m = memory(rows);
    upload(batch, m);
    const AdamStep now(adam_, rate, number + 1);
    m.adam.upload(std::span(&now, 1));
    if (m.graph) {
      m.graph->launch();
    } else {
      run_step(m);
    }
    const std::vector<float> numbers = numbers_.download();
    return {double{numbers[0]}, double{numbers[1]}};
  }

  void save(Checkpoint& state) const {
    state.learned = learned_.download();
    state.moment1 = moment1_.download();
    state.moment2 = moment2_.download();
  }

 private:
  struct Memory {
    Memory(Backend& backend, const Config& config, std::int64_t batch_rows, std::int64_t frames,
           const BigramParams& p, int kept_dims)
        : rows(batch_rows),
          takes(backend, rows),
          excerpts(backend, rows),
          whole(backend, rows),
          works(backend, rows),
          adam(backend, 1),
          chroma(backend, rows * frames * config.width()),
          bigrams(backend, rows * (config.network() ? config.bigrams() : p.dims())),
          gradient(backend, bigrams.size()),
          kept(backend, rows * kept_dims),
          kept_gradient(backend, rows * kept_dims),
          events(backend, 0),
          events_gradient(backend, 0),
          reserve(backend, 0) {
      if (config.network()) network.emplace(backend, config, rows, true);
      event_source_frames = network ? network->frames() : frames;
      if (!config.dense.empty()) return;
      if (network) {
        events = Buffer<float>(backend, rows * network->out_values());
        events_gradient = Buffer<float>(backend, events.size());
      }
      reserve = Buffer<std::uint8_t>(
          backend, static_cast<std::int64_t>(backend.bigram_reserve(p, rows, event_source_frames)));
    }
    std::int64_t rows;
    Buffer<Take> takes;
    Buffer<Excerpt> excerpts;  // of what the bigrams read: chroma, or a network's events
    Buffer<Excerpt> whole;
    Buffer<std::int32_t> works;
    Buffer<AdamStep> adam;
    Buffer<float> chroma, bigrams, gradient;
    Buffer<float> kept, kept_gradient;  // of the pairs of events, where not all are kept
    std::optional<EventNetwork> network;
    Buffer<float> events, events_gradient;  // of a network that bigrams follow
    std::int64_t event_source_frames;       // of each of `excerpts`, at most
    Buffer<std::uint8_t> reserve;
    std::unique_ptr<OpGraph>
        graph;  // of a step, on the arrays above; none where the host takes part
  };

  std::int64_t cut_frames() const {
    return config_.input == "patchwork" ? std::int64_t{config_.patches} * config_.patch_frames
                                        : config_.crop;
  }

  Memory& memory(std::int64_t rows) {
    if (!memory_ || memory_->rows != rows) {
      memory_.reset();  // before more is asked for
      Memory& m = memory_.emplace(backend_, config_, rows, cut_frames(), bigrams_,
                                  pairs_ ? pairs_->dims() : 0);
      if (!pairs_ && !config_.tie_rotations)
        m.graph = backend_.capture([this, &m] { run_step(m); });
    }
    return *memory_;
  }

  // What changes from step to step.
  void upload(const TrainingBatch& batch, Memory& m) {
    m.works.upload(batch.works);
    const std::vector<Take> takes = songs_.place(batch.takes);
    if (config_.input == "whole") return m.takes.upload(takes);
    std::vector<Excerpt> whole, fixed;
    for (const Take& take : takes) {
      whole.push_back(take.excerpt);
      fixed.push_back({static_cast<std::int64_t>(fixed.size()) * m.event_source_frames,
                       static_cast<std::int32_t>(m.event_source_frames), 0});
    }
    m.whole.upload(whole);
    m.excerpts.upload(fixed);
  }

  // The ops of a step: chroma of the batch, fingerprints, loss, gradients, weights.
  void run_step(Memory& m) {
    const ChromaView songs = songs_.view();
    if (config_.input == "whole") {
      backend_.augment(songs, m.takes.data(), m.rows, augment_, m.chroma.data(), m.excerpts.data());
    } else {
      backend_.patchwork(songs, m.whole.data(), m.rows, {config_.patches, config_.patch_frames},
                         m.chroma.data());
    }
    find_fingerprints(m);
    float* scale = learned_.data() + weights();
    float* scale_gradient = gradient_.data() + weights();
    if (pairs_) keep_pairs(m);
    backend_.loss((pairs_ ? m.kept : m.bigrams).data(), m.works.data(), m.rows, config_.bigrams(),
                  scale, loss_, numbers_.data(), (pairs_ ? m.kept_gradient : m.gradient).data(),
                  scale_gradient);
    if (pairs_) spread_gradient(m);
    find_gradient(m);
    if (config_.tie_rotations) tie_gradient();
    backend_.adam(learned_.data(), moment1_.data(), moment2_.data(), gradient_.data(),
                  gradient_.size(), adam_, m.adam.data(), numbers_.data() + 1);
  }

  // Learned values but for the scale of the loss.
  std::int64_t weights() const { return learned_.size() - 1; }

  // What the bigrams read, as songs of event_source_frames.
  ChromaView event_source(const Memory& m) const {
    const std::int64_t frames = m.rows * m.event_source_frames;
    if (m.network) return {m.events.data(), ChromaType::float32, frames};
    return {m.chroma.data(), ChromaType::float32, frames, config_.bands, config_.width()};
  }

  void find_fingerprints(Memory& m) {
    const bool dense = !config_.dense.empty();
    if (m.network)
      m.network->forward(m.chroma.data(), m.rows, learned_.data(),
                         (dense ? m.bigrams : m.events).data());
    if (dense) return;
    const float* weights = learned_.data() + (m.network ? m.network->weights() : 0);
    backend_.bigram_forward(event_source(m), m.excerpts.data(), m.rows, m.event_source_frames,
                            weights, bigrams_, m.bigrams.data(), m.reserve.data());
  }

  void find_gradient(Memory& m) {
    const bool dense = !config_.dense.empty();
    const std::int64_t first = m.network ? m.network->weights() : 0;
    if (!dense)
      backend_.bigram_backward(event_source(m), m.excerpts.data(), m.rows, m.event_source_frames,
                               learned_.data() + first, bigrams_, m.gradient.data(),
                               m.reserve.data(), gradient_.data() + first,
                               m.network ? m.events_gradient.data() : nullptr);
    if (m.network)
      m.network->backward(m.chroma.data(), m.rows, learned_.data(),
                          (dense ? m.bigrams : m.events).data(),
                          (dense ? m.gradient : m.events_gradient).data(), gradient_.data());
  }

  void keep_pairs(Memory& m) const {
    const std::vector<float> all = m.bigrams.download();
    std::vector<float> kept(m.kept.size());
    pairs_->forward(all.data(), m.rows, kept.data());
    m.kept.upload(kept);
  }

  void spread_gradient(Memory& m) const {
    const std::vector<float> all = m.bigrams.download(), kept = m.kept_gradient.download();
    std::vector<float> gradient(all.size());
    pairs_->backward(all.data(), kept.data(), m.rows, gradient.data());
    m.gradient.upload(gradient);
  }

  void tie_gradient() {
    std::vector<float> gradient = gradient_.download();
    tie_rotations(bigrams_, gradient);
    gradient_.upload(gradient);
  }

  Backend& backend_;
  const Config& config_;
  BigramParams bigrams_;
  std::optional<EventPairs> pairs_;
  AugmentParams augment_;
  LossParams loss_;
  AdamParams adam_;
  TrainingSongs songs_;
  Buffer<float> learned_, moment1_, moment2_, gradient_, numbers_;
  std::optional<Memory> memory_;
};

Model model_of(const Config& config, const PitchHistogram& key, const std::vector<float>& learned) {
  Model model;
  model.config = config;
  model.key_template = key;
  model.weights.assign(learned.begin(), learned.end() - 1);
  return model;
}

void write_curve(const TrainingFiles& files, const Checkpoint& state) {
  std::string csv = "step,loss,gradient_norm,rate,validation_map\n";
  Series loss{"loss", {}, {}, false}, map{"validation MAP", {}, {}, true};
  for (std::size_t i = 0; i < state.curve.size(); i += Checkpoint::kCurveColumns) {
    const float* row = &state.curve[i];
    csv += fmt::format("{:.0f},{:.6g},{:.6g},{:.6g},{}\n", row[0], row[1], row[2], row[3],
                       row[4] < 0 ? "" : fmt::format("{:.4f}", row[4]));
    loss.points.emplace_back(row[0], row[1]);
    if (row[4] >= 0) map.points.emplace_back(row[0], row[4]);
  }
  replace_file(files.log, csv);
  const std::vector<Series> both{std::move(loss), std::move(map)};
  replace_file(files.curve, line_chart("Training", "step", "loss", "validation MAP", both));
}

Checkpoint resumed(const std::string& path, const Config& config, const std::string& data,
                   std::size_t size) {
  Checkpoint state = read_checkpoint(path);
  const Config then = Config::from_json(state.config, path);
  for (const Parameter& p : parameters())
    if (then.get(p.name) != config.get(p.name))
      throw InputError(
          fmt::format("{}: was trained with {} = {}, asked for is {}: resume with the same "
                      "settings, or train anew",
                      path, p.name, then.get(p.name), config.get(p.name)));
  if (state.data != data)
    throw InputError(
        fmt::format("{}: belongs to other data: expected {}, found {}", path, data, state.data));
  if (state.learned.size() != size)
    throw InputError(
        fmt::format("{}: expected {} learned values, found {}", path, size, state.learned.size()));
  return state;
}

}  // namespace

TrainingFiles TrainingFiles::beside(const std::string& model) {
  std::string stem = model;
  const std::string extension = ".safetensors";
  if (stem.ends_with(extension)) stem.resize(stem.size() - extension.size());
  return {model, stem + ".checkpoint.safetensors", stem + ".log.csv", stem + ".loss.svg"};
}

TrainingOutcome train(Backend& backend, const SongSet& set, const Config& config,
                      const TrainingFiles& files, bool resume,
                      const std::function<void(const TrainingProgress&)>& report,
                      const std::atomic<bool>& stop, std::span<const float> start) {
  config.validate();
  if (config.feature == "melody+chroma" || config.normalisation != "none")
    throw SettingsError(
        "train: expected one stream and normalisation none: two streams and normalised "
        "co-occurrences cannot be learned through");
  check_bands(set, config.bands, {}, "the parameter bands says");
  check_projection(set, config);  // before a file is written and anything learned
  PitchHistogram key{};
  if (config.key_mode == "canonical") {
    std::vector<PitchHistogram> histograms;
    for (const std::int64_t song : set.songs_of("train"))
      histograms.push_back(pitch_histogram(set, song));
    key = learn_key_template(histograms);
  }
  Sampler sampler(set, config, key);
  std::optional<Protocol> validation;
  if (!set.songs_of("validation").empty()) validation = make_protocol(set, "validation");

  Checkpoint state;
  state.learned = initial_weights(config, start);
  if (resume) {
    state = resumed(files.checkpoint, config, data_name(set), state.learned.size());
  } else {
    state.config = config.to_json();
    state.data = data_name(set);
    state.moment1.assign(state.learned.size(), 0.0f);
    state.moment2.assign(state.learned.size(), 0.0f);
    write_checkpoint(files.checkpoint, state);  // a target that cannot be written fails now
  }
  SongSet features;
  if (config.feature != "chroma") {
    std::vector<std::int64_t> all(set.songs());
    std::iota(all.begin(), all.end(), 0);
    features = with_feature(set, all, config.feature);
  }
  Learner learner(backend, config.feature == "chroma" ? set : features, config, state);

  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const double seconds_before = state.seconds;
  const auto save = [&] {
    learner.save(state);
    state.seconds = seconds_before + std::chrono::duration<double>(Clock::now() - begin).count();
    write_checkpoint(files.checkpoint, state);
    write_curve(files, state);
  };

  while (state.step < config.steps && !stop) {
    const double rate = rate_at(config, state.step);
    const Learner::Step done = learner.step(sampler.draw(state.step), state.step, rate);
    ++state.step;
    if (!std::isfinite(done.loss) || !std::isfinite(done.gradient_norm))
      throw InputError(
          fmt::format("training diverged at step {}: the loss is {}, the gradient's norm {}: "
                      "lower the learning rate",
                      state.step, done.loss, done.gradient_norm));
    TrainingProgress progress;
    progress.step = state.step;
    progress.steps = config.steps;
    progress.loss = done.loss;
    progress.gradient_norm = done.gradient_norm;
    progress.rate = rate;
    progress.resident = learner.resident();
    const bool last = state.step == config.steps;
    const bool check = state.step % config.validate_every == 0 || last;
    if (check) {
      learner.save(state);
      if (validation) {
        ModelMethod method(backend, model_of(config, key, state.learned), "validation");
        progress.validation_map = evaluate(backend, set, *validation, method).accuracy.map;
      }
      if (!validation || progress.validation_map > state.best_map) {
        state.best_map = progress.validation_map;
        state.best = state.learned;
      }
    }
    if (check || state.step % kLogEvery == 0 || state.step == 1)
      for (const double value : {static_cast<double>(state.step), done.loss, done.gradient_norm,
                                 rate, progress.validation_map})
        state.curve.push_back(static_cast<float>(value));
    if (check) save();
    progress.best_map = state.best_map;
    progress.model = [&] {
      learner.save(state);
      return model_of(config, key, state.learned);
    };
    progress.seconds = seconds_before + std::chrono::duration<double>(Clock::now() - begin).count();
    report(progress);
  }
  TrainingOutcome outcome;
  outcome.best_map = state.best_map;
  if (state.step < config.steps) {
    save();
    return outcome;
  }
  outcome.finished = true;
  for (std::size_t i = 0; i < state.curve.size(); i += Checkpoint::kCurveColumns) {
    const float* row = &state.curve[i];
    outcome.log.push_back({row[0], row[1], row[2], row[3], row[4]});
  }
  outcome.model = model_of(config, key, state.best);
  outcome.model.chroma_source = set.chroma_source;
  outcome.model.band_names = set.band_names;
  fit_projection(backend, set, outcome.model);
  if (validation) calibrate(backend, set, *validation, outcome.model);
  write_model(files.model, outcome.model);
  return outcome;
}

}  // namespace reprise
