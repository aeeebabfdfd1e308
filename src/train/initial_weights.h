#pragma once

#include <span>
#include <vector>

#include "reprise/config.h"

namespace reprise {

/// The learned values at step 0, [weight_count() + 1]: weights, then the logarithm of the inverse
/// temperature. The weights are `start`, or drawn with the configuration's seed where it is empty.
/// Throws Error where `start` has another size than weight_count().
std::vector<float> initial_weights(const Config& config, std::span<const float> start);

}  // namespace reprise
