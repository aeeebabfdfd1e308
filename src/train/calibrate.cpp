#include "reprise/calibrate.h"

#include <utility>

namespace reprise {

void calibrate(Backend& backend, const SongSet& set, const Protocol& validation, Model& model) {
  constexpr Aligner kFast[] = {Aligner::row_z, Aligner::row_z_half};
  ModelFingerprinter method(backend, model, "validation");
  ScoreCalibration calibration = fit_calibration(backend, set, validation, method, kFast);
  model.rerank_weights = std::move(calibration.fused[static_cast<int>(Aligner::row_z)]);
  model.rerank_half_weights = std::move(calibration.fused[static_cast<int>(Aligner::row_z_half)]);
  model.probability_weights = std::move(calibration.cosine);
  model.cohort = std::move(calibration.cohort);
  model.alignment = model.rerank_weights.empty() ? "" : alignment_definition();
}

}  // namespace reprise
