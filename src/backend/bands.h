#pragma once

#include <string>

#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {

/// Throws Error where chroma has other bands than an op's parameters, or those of the chroma it is
/// compared with.
inline void check_bands(ChromaView chroma, int expected) {
  if (chroma.bands != expected)
    throw InputError("chroma: expected " + std::to_string(expected) +
                     " bands of 12 pitch classes, found " + std::to_string(chroma.bands));
}

}  // namespace reprise
