#pragma once

#include <cstdint>

#include "reprise/config.h"

namespace reprise {

/// The learning rate of a step (from 0): a linear rise over the warm-up, then the configuration's
/// schedule.
double learning_rate_at(const Config& config, std::int64_t step);

}  // namespace reprise
