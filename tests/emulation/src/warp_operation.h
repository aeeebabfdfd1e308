// The results of a warp-wide operation once every lane of the mask has brought its part.
#pragma once

#include "emulation/hooks.h"

namespace reprise::emulation {

/// Fills results[lane] for every lane of the mask from requests[lane]; both have 32 entries.
void combine(const WarpRequest* requests, std::uint32_t mask, std::uint64_t* results);

}  // namespace reprise::emulation
