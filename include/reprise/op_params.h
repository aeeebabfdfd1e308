#pragma once

#include <vector>

#include "reprise/config.h"
#include "reprise/params.h"

// What a configuration is to the ops of a back end: the one place where a Config becomes op
// parameters.
namespace reprise {

BigramParams bigram_params(const Config& config);

/// The stages of a configuration's event network: convolutions, the event filters last of them,
/// then dense layers. Empty where the bigrams find their events themselves.
std::vector<EventLayerParams> event_layers(const Config& config);

PatchworkParams patchwork_params(const Config& config);
AugmentParams augment_params(const Config& config);
LossParams loss_params(const Config& config);
AdamParams adam_params(const Config& config);

/// Length of the longest training excerpt: a patchwork, or the crop of a song. Frames.
int training_frames(const Config& config);

}  // namespace reprise
