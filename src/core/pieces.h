#pragma once

#include <algorithm>
#include <cstdint>

#include "reprise/error.h"

namespace reprise {

/// Calls work(first, count) for 0 .. total - 1 in order: for all at once or, where a device has not
/// the memory for that, for half as many, and so on. What was begun when the memory gave out is
/// done again. Throws OutOfMemory where there is not enough for one.
template <class Work>
void in_pieces(std::int64_t total, Work work) {
  std::int64_t at_once = total;
  for (std::int64_t first = 0; first < total;) {
    const std::int64_t count = std::min(at_once, total - first);
    try {
      work(first, count);
      first += count;
    } catch (const OutOfMemory&) {
      if (count == 1) throw;
      at_once = (count + 1) / 2;
    }
  }
}

}  // namespace reprise
