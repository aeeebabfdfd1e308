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

double Confidence::of_alignment(Aligner aligner, double cosine_similarity, double alignment,
                                std::int64_t query_frames, std::int64_t candidate_frames) const {
  const std::vector<float>& w = fused[static_cast<int>(aligner)];
  return double{w[0]} * cosine_similarity + double{w[1]} * std::log1p(alignment) -
         double{w[2]} * std::log(static_cast<double>(query_frames)) -
         double{w[3]} * std::log(static_cast<double>(candidate_frames)) - double{w[4]};
}

double Confidence::of_cosine(double z) const {
  return double{cosine[0]} * z - double{cosine[1]};
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

void require_weights(const Confidence& confidence, Aligner aligner, const std::string& model_name) {
  if (confidence.outdated(aligner))
    throw InputError(fmt::format(
        "{}: expected weights for re-ranking by {} ({}), found those of another version "
        "({}): refit them",
        model_name, name_of(aligner), alignment_definition(), quote(confidence.other_alignment)));
  if (!confidence.knows(aligner))
    throw InputError(
        fmt::format("{}: expected weights for re-ranking by {}, found none: calibrate it",
                    model_name, name_of(aligner)));
}

}  // namespace reprise
