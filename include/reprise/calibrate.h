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

}  // namespace reprise
