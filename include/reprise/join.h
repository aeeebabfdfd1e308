#pragma once

#include <span>
#include <string>

#include "reprise/backend.h"
#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// A model and its name in messages.
struct NamedModel {
  std::string name;
  Model model;
};

/// Combines models: their bigrams are concatenated and projected, the projection being fitted on
/// the train split of `set`; calibrated on its validation split if it has one. Key mode and size of
/// the projection are those of the first model. Different models, say with other event lengths or
/// lags, capture complementary information. Throws Error unless there are two or more models with
/// the same keys, key template, feature and chroma, and fingerprints of length 1.
Model join(Backend& backend, const SongSet& set, std::span<const NamedModel> models);

}  // namespace reprise
