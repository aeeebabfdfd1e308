#include "model/bigrams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "model/event_network.h"
#include "model/song_batches.h"
#include "reprise/op_params.h"

namespace reprise {

namespace {

// Songs whose network is computed at a time, for its memory.
constexpr std::int64_t kNetworkRows = 256;

// Excerpts of the same length, one behind the other.
std::vector<Excerpt> consecutive(std::int64_t count, std::int64_t frames) {
  std::vector<Excerpt> excerpts(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    excerpts[i] = {i * frames, static_cast<std::int32_t>(frames), 0};
  return excerpts;
}

}  // namespace

Bigrams::Bigrams(Backend& backend, const Config& config, std::span<const float> weights)
    : backend_(backend),
      config_(config),
      params_(bigram_params(config)),
      dims_(config.bigrams()),
      weights_(backend, weights) {
  if (!EventPairs::as_they_are(config)) pairs_.emplace(config);
}

Buffer<float> Bigrams::compute(ChromaView chroma, std::span<const Excerpt> excerpts) const {
  const auto count = static_cast<std::int64_t>(excerpts.size());
  const Buffer<Excerpt> items(backend_, excerpts);
  if (config_.input == Input::whole) return of_chroma(chroma, items, longest(excerpts));
  const PatchworkParams patchwork = patchwork_params(config_);
  const std::int64_t frames = patchwork.out_frames();
  Buffer<float> patches(backend_, count * frames * config_.width());
  backend_.run(ops::Patchwork{
      .songs = {chroma, items.data(), count}, .params = patchwork, .out = patches.data()});
  if (config_.network()) return of_network(patches.data(), count);
  const Buffer<Excerpt> fixed(backend_, std::span<const Excerpt>(consecutive(count, frames)));
  return of_chroma(
      {patches.data(), ChromaType::float32, count * frames, config_.bands, config_.width()}, fixed,
      frames);
}

Buffer<float> Bigrams::of_chroma(ChromaView chroma, const Buffer<Excerpt>& excerpts,
                                 std::int64_t longest) const {
  const std::int64_t count = excerpts.size();
  const bool intervals =
      config_.pairs == KeptPairs::intervals && config_.normalisation == Normalisation::none;
  Buffer<float> bigrams(backend_, count * (intervals ? dims_ : params_.dims()));
  const SongBatch songs{chroma, excerpts.data(), count, longest};
  if (intervals) {
    backend_.run(ops::IntervalForward{
        .songs = songs, .weights = weights_.data(), .params = params_, .out = bigrams.data()});
  } else {
    backend_.run(ops::BigramForward{
        .songs = songs, .weights = weights_.data(), .params = params_, .out = bigrams.data()});
  }
  if (!pairs_) return bigrams;
  const std::vector<float> all = bigrams.download();
  std::vector<float> kept(static_cast<std::size_t>(count) * dims_);
  if (intervals) {
    pairs_->compress(all.data(), count, kept.data());
  } else {
    pairs_->forward(all.data(), count, kept.data());
  }
  return Buffer<float>(backend_, std::span<const float>(kept));
}

Buffer<float> Bigrams::of_network(const float* x, std::int64_t count) const {
  Buffer<float> out(backend_, count * dims_);
  const std::int64_t most = std::min(count, kNetworkRows);
  const std::int64_t values =
      std::int64_t{config_.patches} * config_.patch_frames * config_.width();  // of a song
  EventNetwork network(backend_, config_, most, false);
  const int frames = network.frames();
  const bool dense = !config_.dense.empty();
  Buffer<float> events(backend_, dense ? 0 : most * network.out_values());
  const Buffer<Excerpt> excerpts(backend_, std::span<const Excerpt>(consecutive(most, frames)));
  for (std::int64_t first = 0; first < count; first += most) {
    const std::int64_t rows = std::min(most, count - first);
    float* to = out.data() + first * dims_;
    network.forward(x + first * values, rows, weights_.data(), dense ? to : events.data());
    if (dense) continue;
    backend_.run(ops::BigramForward{.songs = {{events.data(), ChromaType::float32, rows * frames},
                                              excerpts.data(),
                                              rows,
                                              frames},
                                    .weights = weights_.data() + network.weights(),
                                    .params = params_,
                                    .out = to});
  }
  return out;
}

ModelBigrams::ModelBigrams(Backend& backend, const Model& model)
    : backend_(backend), dims_(model.bigrams()) {
  parts_.emplace_back(backend, model.config, model.weights);
  for (const JoinedBigrams& j : model.joined) parts_.emplace_back(backend, j.config, j.weights);
}

Buffer<float> ModelBigrams::compute(ChromaView chroma, std::span<const Excerpt> excerpts) const {
  if (parts_.size() == 1) return parts_[0].compute(chroma, excerpts);
  std::vector<float> rows(excerpts.size() * static_cast<std::size_t>(dims_));
  auto column = rows.begin();
  for (const Bigrams& part : parts_) {
    const std::vector<float> values = part.compute(chroma, excerpts).download();
    for (std::size_t i = 0; i < excerpts.size(); ++i)
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(i) * part.dims(), part.dims(),
                  column + static_cast<std::ptrdiff_t>(i) * dims_);
    column += part.dims();
  }
  return Buffer<float>(backend_, std::span<const float>(rows));
}

}  // namespace reprise
