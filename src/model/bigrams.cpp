#include "model/bigrams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "model/song_batches.h"
#include "reprise/model.h"

namespace reprise {

Bigrams::Bigrams(Backend& backend, const Config& config, std::span<const float> weights)
    : backend_(backend),
      params_(bigram_params(config)),
      dims_(config.bigrams()),
      weights_(backend, weights) {
  if (config.input == "patchwork")
    patchwork_ = PatchworkParams{config.patches, config.patch_frames};
  if (!EventPairs::as_they_are(config)) pairs_.emplace(config);
}

Buffer<float> Bigrams::compute(ChromaView chroma, std::span<const Excerpt> excerpts) const {
  const auto count = static_cast<std::int64_t>(excerpts.size());
  Buffer<Excerpt> items(backend_, excerpts);
  Buffer<float> bigrams(backend_, count * params_.dims());
  if (patchwork_) {
    const std::int64_t frames = std::int64_t{patchwork_->patches} * patchwork_->frames;
    Buffer<float> patches(backend_, count * frames * kPitchClasses);
    backend_.patchwork(chroma, items.data(), count, *patchwork_, patches.data());
    std::vector<Excerpt> fixed(excerpts.size());
    for (std::int64_t i = 0; i < count; ++i)
      fixed[i] = {i * frames, static_cast<std::int32_t>(frames), 0};
    items.upload(fixed);
    backend_.bigram_forward({patches.data(), ChromaType::float32, count * frames}, items.data(),
                            count, frames, weights_.data(), params_, bigrams.data(), nullptr);
  } else {
    backend_.bigram_forward(chroma, items.data(), count, longest(excerpts), weights_.data(),
                            params_, bigrams.data(), nullptr);
  }
  if (!pairs_) return bigrams;
  const std::vector<float> all = bigrams.download();
  std::vector<float> kept(static_cast<std::size_t>(count) * dims_);
  pairs_->forward(all.data(), count, kept.data());
  return Buffer<float>(backend_, std::span<const float>(kept));
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
