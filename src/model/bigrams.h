#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/event_pairs.h"
#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/model.h"

namespace reprise {

/// The bigrams of a configuration's songs, before any projection: its input (patchwork or whole
/// song), its event network, the back end's op, and its pairs of events.
class Bigrams {
 public:
  Bigrams(Backend& backend, const Config& config, std::span<const float> weights);

  int dims() const { return dims_; }
  /// [excerpts, dims] in the back end's memory, as `chroma` is; excerpts are the host's.
  Buffer<float> compute(ChromaView chroma, std::span<const Excerpt> excerpts) const;

 private:
  // Without a network, and with one from the patchworks x [count, patches * patch_frames, 12].
  Buffer<float> of_chroma(ChromaView chroma, const Buffer<Excerpt>& excerpts,
                          std::int64_t longest) const;
  Buffer<float> of_network(const float* x, std::int64_t count) const;

  Backend& backend_;
  Config config_;
  BigramParams params_;
  std::optional<EventPairs> pairs_;
  int dims_;
  Buffer<float> weights_;
};

/// The bigrams of a model: the first ones and those joined with them, one behind the other.
class ModelBigrams {
 public:
  ModelBigrams(Backend& backend, const Model& model);

  int dims() const { return dims_; }
  /// As Bigrams::compute.
  Buffer<float> compute(ChromaView chroma, std::span<const Excerpt> excerpts) const;

 private:
  Backend& backend_;
  std::vector<Bigrams> parts_;
  int dims_;
};

}  // namespace reprise
