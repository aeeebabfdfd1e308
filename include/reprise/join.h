#pragma once

#include <span>
#include <string>

#include "reprise/backend.h"
#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// A model by itself and what messages call it.
struct NamedModel {
  std::string name;
  Model model;
};

/// One model of several: their bigrams one behind the other, seen by a projection fitted to the
/// train split of `set`, calibrated on its validation split where it has one. The first model rules
/// the keys and the size of the projection. Unlike models, say with other event lengths or lags,
/// know different things of a song. Throws Error where the models cannot be joined: two or more,
/// with the same keys, key template, feature and chroma, and fingerprints of length 1.
Model join(Backend& backend, const SongSet& set, std::span<const NamedModel> models);

}  // namespace reprise
