#pragma once

#include <cstdint>
#include <vector>

#include "reprise/view.h"

namespace reprise::cpu {

/// Where runs of excerpts of the same frames begin (one song in many keys), and last `count`: what
/// does not depend on the key is computed once a run.
inline std::vector<std::int64_t> runs_of_same_frames(const Excerpt* excerpts, std::int64_t count) {
  std::vector<std::int64_t> starts;
  for (std::int64_t e = 0; e < count; ++e)
    if (e == 0 || excerpts[e].first != excerpts[e - 1].first ||
        excerpts[e].frames != excerpts[e - 1].frames)
      starts.push_back(e);
  starts.push_back(count);
  return starts;
}

}  // namespace reprise::cpu
