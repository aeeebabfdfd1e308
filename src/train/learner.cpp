#include "train/learner.h"

#include <algorithm>
#include <span>
#include <vector>

#include "model/event_network.h"
#include "reprise/op_params.h"
#include "train/rotations.h"

namespace reprise {

struct Learner::Memory {
  Memory(Backend& backend, const Config& config, std::int64_t batch_rows, const BigramParams& p,
         int kept_dims)
      : rows(batch_rows),
        takes(backend, rows),
        excerpts(backend, rows),
        whole(backend, rows),
        works(backend, rows),
        adam(backend, 1),
        chroma(backend, rows * training_frames(config) * config.width()),
        bigrams(backend, rows * (config.network() ? config.bigrams() : p.dims())),
        gradient(backend, bigrams.size()),
        kept(backend, rows * kept_dims),
        kept_gradient(backend, rows * kept_dims),
        events(backend, 0),
        events_gradient(backend, 0),
        reserve(backend, 0) {
    if (config.network()) network.emplace(backend, config, rows, true);
    event_source_frames = network ? network->frames() : training_frames(config);
    if (!config.dense.empty()) return;
    if (network) {
      events = Buffer<float>(backend, rows * network->out_values());
      events_gradient = Buffer<float>(backend, events.size());
    }
    reserve = Buffer<std::uint8_t>(
        backend, static_cast<std::int64_t>(backend.bigram_reserve(p, rows, event_source_frames)));
  }
  std::int64_t rows;
  Buffer<TrainingExcerpt> takes;
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
  std::unique_ptr<OpGraph> graph;  // of a step, on the arrays above; none where the host takes part
};

Learner::Learner(Backend& backend, const SongSet& set, const Config& config,
                 const Checkpoint& state)
    : backend_(backend),
      config_(config),
      bigrams_(bigram_params(config)),
      patchwork_(patchwork_params(config)),
      augment_(augment_params(config)),
      loss_(loss_params(config)),
      adam_(adam_params(config)),
      songs_(backend, set, set.songs_of("train"), Sampler::most_rows(config)),
      learned_(backend, std::span<const float>(state.learned)),
      moment1_(backend, std::span<const float>(state.moment1)),
      moment2_(backend, std::span<const float>(state.moment2)),
      gradient_(backend, learned_.size()),
      numbers_(backend, 2) {
  if (!EventPairs::as_they_are(config)) pairs_.emplace(config);
}

Learner::~Learner() = default;

Learner::Step Learner::step(const TrainingBatch& batch, std::int64_t number, double learning_rate) {
  const auto rows = static_cast<std::int64_t>(batch.takes.size());
  Memory& m = memory(rows);
  upload(batch, m);
  const AdamStep now(adam_, learning_rate, number + 1);
  m.adam.upload(std::span(&now, 1));
  if (m.graph) {
    m.graph->launch();
  } else {
    run_step(m);
  }
  const std::vector<float> numbers = numbers_.download();
  return {double{numbers[0]}, double{numbers[1]}};
}

void Learner::save(Checkpoint& state) const {
  state.learned = learned_.download();
  state.moment1 = moment1_.download();
  state.moment2 = moment2_.download();
}

Learner::Memory& Learner::memory(std::int64_t rows) {
  if (!memory_ || memory_->rows != rows) {
    memory_.reset();  // before more is asked for
    memory_ =
        std::make_unique<Memory>(backend_, config_, rows, bigrams_, pairs_ ? pairs_->dims() : 0);
    Memory& m = *memory_;
    if (!pairs_ && !config_.tie_rotations) m.graph = backend_.capture([this, &m] { run_step(m); });
  }
  return *memory_;
}

// What changes from step to step.
void Learner::upload(const TrainingBatch& batch, Memory& m) {
  m.works.upload(batch.works);
  const std::vector<TrainingExcerpt> takes = songs_.place(batch.takes);
  if (config_.input == Input::whole) return m.takes.upload(takes);
  std::vector<Excerpt> whole, fixed;
  for (const TrainingExcerpt& take : takes) {
    whole.push_back(take.excerpt);
    fixed.push_back({static_cast<std::int64_t>(fixed.size()) * m.event_source_frames,
                     static_cast<std::int32_t>(m.event_source_frames), 0});
  }
  m.whole.upload(whole);
  m.excerpts.upload(fixed);
}

// The ops of a step: chroma of the batch, fingerprints, loss, gradients, weights.
void Learner::run_step(Memory& m) {
  const ChromaView songs = songs_.view();
  if (config_.input == Input::whole) {
    backend_.run(ops::Augment{.chroma = songs,
                              .excerpts = m.takes.data(),
                              .count = m.rows,
                              .params = augment_,
                              .out = m.chroma.data(),
                              .out_excerpts = m.excerpts.data()});
  } else {
    backend_.run(ops::Patchwork{
        .songs = {songs, m.whole.data(), m.rows}, .params = patchwork_, .out = m.chroma.data()});
  }
  find_fingerprints(m);
  if (pairs_) keep_pairs(m);
  backend_.run(ops::Loss{.z = (pairs_ ? m.kept : m.bigrams).data(),
                         .labels = m.works.data(),
                         .rows = m.rows,
                         .dims = config_.bigrams(),
                         .log_inverse_temperature = learned_.data() + weights(),
                         .params = loss_,
                         .loss = numbers_.data(),
                         .z_gradient = (pairs_ ? m.kept_gradient : m.gradient).data(),
                         .log_inverse_temperature_gradient = gradient_.data() + weights()});
  if (pairs_) spread_gradient(m);
  find_gradient(m);
  if (config_.tie_rotations) tie_gradient();
  backend_.run(ops::Adam{.weights = learned_.data(),
                         .moment1 = moment1_.data(),
                         .moment2 = moment2_.data(),
                         .gradient = gradient_.data(),
                         .count = gradient_.size(),
                         .params = adam_,
                         .step = m.adam.data(),
                         .gradient_norm = numbers_.data() + 1});
}

// What the bigrams read, as songs of event_source_frames.
SongBatch Learner::event_source(const Memory& m) const {
  const std::int64_t frames = m.rows * m.event_source_frames;
  ChromaView source{m.events.data(), ChromaType::float32, frames};
  if (!m.network)
    source = {m.chroma.data(), ChromaType::float32, frames, config_.bands, config_.width()};
  return {source, m.excerpts.data(), m.rows, m.event_source_frames};
}

void Learner::find_fingerprints(Memory& m) {
  const bool dense = !config_.dense.empty();
  if (m.network)
    m.network->forward(m.chroma.data(), m.rows, learned_.data(),
                       (dense ? m.bigrams : m.events).data());
  if (dense) return;
  const float* weights = learned_.data() + (m.network ? m.network->weights() : 0);
  backend_.run(ops::BigramForward{.songs = event_source(m),
                                  .weights = weights,
                                  .params = bigrams_,
                                  .out = m.bigrams.data(),
                                  .reserve = m.reserve.data()});
}

void Learner::find_gradient(Memory& m) {
  const bool dense = !config_.dense.empty();
  const std::int64_t first = m.network ? m.network->weights() : 0;
  if (!dense)
    backend_.run(
        ops::BigramBackward{.songs = event_source(m),
                            .weights = learned_.data() + first,
                            .params = bigrams_,
                            .out_gradient = m.gradient.data(),
                            .reserve = m.reserve.data(),
                            .gradient = gradient_.data() + first,
                            .events_gradient = m.network ? m.events_gradient.data() : nullptr});
  if (m.network)
    m.network->backward(m.chroma.data(), m.rows, learned_.data(),
                        (dense ? m.bigrams : m.events).data(),
                        (dense ? m.gradient : m.events_gradient).data(), gradient_.data());
}

void Learner::keep_pairs(Memory& m) const {
  const std::vector<float> all = m.bigrams.download();
  std::vector<float> kept(m.kept.size());
  pairs_->forward(all.data(), m.rows, kept.data());
  m.kept.upload(kept);
}

void Learner::spread_gradient(Memory& m) const {
  const std::vector<float> all = m.bigrams.download(), kept = m.kept_gradient.download();
  std::vector<float> gradient(all.size());
  pairs_->backward(all.data(), kept.data(), m.rows, gradient.data());
  m.gradient.upload(gradient);
}

void Learner::tie_gradient() {
  std::vector<float> gradient = gradient_.download();
  tie_rotations(bigrams_, gradient);
  gradient_.upload(gradient);
}

}  // namespace reprise
