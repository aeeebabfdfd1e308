#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/model.h"
#include "reprise/rerank.h"

namespace reprise {

std::string_view name_of(Aligner aligner) {
  constexpr std::string_view kNames[kAligners] = {"row-z", "row-z-half", "qmax"};
  return kNames[static_cast<int>(aligner)];
}

std::string alignment_definition() {
  constexpr AlignmentParams kParams;
  return fmt::format("states of {} frames, offset {}, cap {}", kStateFrames, kParams.offset,
                     kParams.cap);
}

double ScoreCalibration::log_odds_aligned(Aligner aligner, double cosine_similarity,
                                          double alignment, std::int64_t query_frames,
                                          std::int64_t candidate_frames) const {
  const std::vector<float>& w = fused[static_cast<int>(aligner)];
  return double{w[0]} * cosine_similarity + double{w[1]} * std::log1p(alignment) -
         double{w[2]} * std::log(static_cast<double>(query_frames)) -
         double{w[3]} * std::log(static_cast<double>(candidate_frames)) - double{w[4]};
}

double ScoreCalibration::log_odds_unaligned(double z) const {
  return double{cosine[0]} * z - double{cosine[1]};
}

ScoreCalibration calibration_of(const Model& model) {
  ScoreCalibration calibration;
  if (model.alignment == alignment_definition()) {
    calibration.fused[static_cast<int>(Aligner::row_z)] = model.rerank_weights;
    calibration.fused[static_cast<int>(Aligner::row_z_half)] = model.rerank_half_weights;
  } else if (!model.rerank_weights.empty()) {
    // Models that do not say were fitted to states of one frame.
    calibration.other_alignment = model.alignment.empty() ? "states of 1 frame" : model.alignment;
  }
  calibration.cosine = model.probability_weights;
  calibration.cohort = model.cohort;
  return calibration;
}

void require_weights(const ScoreCalibration& calibration, Aligner aligner,
                     const std::string& model_name) {
  if (calibration.outdated(aligner))
    throw InputError(fmt::format(
        "{}: expected weights for re-ranking by {} ({}), found those of another version "
        "({}): refit them",
        model_name, name_of(aligner), alignment_definition(), quote(calibration.other_alignment)));
  if (!calibration.has_weights_for(aligner))
    throw InputError(
        fmt::format("{}: expected weights for re-ranking by {}, found none: calibrate it",
                    model_name, name_of(aligner)));
}

}  // namespace reprise
