#include "model/bigrams.h"

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

}  // namespace reprise
