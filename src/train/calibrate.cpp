#include "reprise/calibrate.h"

#include <utility>

namespace reprise {

void calibrate(Backend& backend, const SongSet& set, const Protocol& validation, Model& model) {
  constexpr Aligner kFast[] = {Aligner::row_z, Aligner::row_z_half};
  ModelMethod method(backend, model, "validation");
  Confidence confidence = fit_confidence(backend, set, validation, method, kFast);
  model.rerank_weights = std::move(confidence.fused[static_cast<int>(Aligner::row_z)]);
  model.rerank_half_weights = std::move(confidence.fused[static_cast<int>(Aligner::row_z_half)]);
  model.probability_weights = std::move(confidence.cosine);
  model.cohort = std::move(confidence.cohort);
  model.alignment = model.rerank_weights.empty() ? "" : alignment_definition();
}

Confidence confidence_of(const Model& model) {
  Confidence confidence;
  if (model.alignment == alignment_definition()) {
    confidence.fused[static_cast<int>(Aligner::row_z)] = model.rerank_weights;
    confidence.fused[static_cast<int>(Aligner::row_z_half)] = model.rerank_half_weights;
  } else if (!model.rerank_weights.empty()) {
    // Models that do not say were fitted to states of one frame.
    confidence.other_alignment = model.alignment.empty() ? "states of 1 frame" : model.alignment;
  }
  confidence.cosine = model.probability_weights;
  confidence.cohort = model.cohort;
  return confidence;
}

}  // namespace reprise
