#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reprise {

double learning_rate_at(const Config& config, std::int64_t step) {
  const auto steps = static_cast<double>(config.steps), at = static_cast<double>(step);
  const double rise = std::floor(config.warm_up * steps);
  if (at < rise) return config.learning_rate * (at + 1) / rise;
  switch (config.schedule) {
    case Schedule::constant:
      break;
    case Schedule::cosine:
      return config.learning_rate * 0.5 *
             (1 + std::cos(std::numbers::pi * (at - rise) / std::max(1.0, steps - rise)));
  }
  return config.learning_rate;
}

}  // namespace reprise
