#pragma once

#include "reprise/backend.h"
#include "reprise/evaluate.h"
#include "reprise/model.h"
#include "reprise/rerank.h"
#include "reprise/song_set.h"

namespace reprise {

/// Fits how sure to be of the model's answers on a split, by rule its set's validation split, and
/// keeps it in the model.
void calibrate(Backend& backend, const SongSet& set, const Protocol& validation, Model& model);

/// What calibrate() left in the model; empty where it was not called. Weights of the second stage
/// that were fitted to another alignment than this program's are left out (see other_alignment).
Confidence confidence_of(const Model& model);

}  // namespace reprise
