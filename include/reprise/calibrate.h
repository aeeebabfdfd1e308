#pragma once

#include "reprise/backend.h"
#include "reprise/evaluate.h"
#include "reprise/model.h"
#include "reprise/rerank.h"
#include "reprise/song_set.h"

namespace reprise {

/// Fits re-ranking weights and probabilities on a split, normally the validation split of the set,
/// and stores them in the model.
void calibrate(Backend& backend, const SongSet& set, const Protocol& validation, Model& model);

/// What calibrate() stored in the model; empty if it was not called. Weights of the second stage
/// that were fitted to a different alignment are left out (see other_alignment).
Confidence confidence_of(const Model& model);

}  // namespace reprise
