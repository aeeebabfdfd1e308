#pragma once

#include "reprise/backend.h"
#include "reprise/model.h"
#include "reprise/song_set.h"

namespace reprise {

/// Throws Error where the set has too few train songs for the projection that the configuration
/// asks for.
void check_projection(const SongSet& set, const Config& config);

/// Fits the projection that config.projection asks for to the train split: principal components,
/// in which the covariance of the performances of a work about their mean is normalised away
/// (within-class covariance normalisation, Hatch, Kajarekar & Stolcke 2006), then principal
/// components again. With config.projection_pca 0: principal components only. Throws as
/// check_projection() does.
void fit_projection(Backend& backend, const SongSet& set, Model& model);

}  // namespace reprise
