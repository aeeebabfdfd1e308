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

}  // namespace reprise
