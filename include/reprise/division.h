#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reprise {

/// Divides works into splits. Where a work goes follows from its id and the seed alone, so that a
/// collection that grows keeps its division; the shares are met on average.
struct Division {
  double train = 0;  ///< shares, in per cent, that sum to 100
  double validation = 0;
  double test = 100;
  std::uint64_t seed = 0;

  std::string split_of(std::string_view work_id) const;
};

/// "50/20/30": per cent of train, validation and test. Throws SettingsError.
Division parse_division(std::string_view text, std::uint64_t seed);

}  // namespace reprise
