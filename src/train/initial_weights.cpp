#include "train/initial_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reprise/error.h"
#include "reprise/model.h"
#include "reprise/op_params.h"
#include "reprise/random.h"
#include "train/rotations.h"

namespace reprise {

std::vector<float> initial_weights(const Config& config, std::span<const float> start) {
  const std::int64_t count = weight_count(config);
  std::vector<float> learned(static_cast<std::size_t>(count) + 1);
  learned.back() = static_cast<float>(std::log(config.inverse_temperature));
  if (!start.empty()) {
    if (static_cast<std::int64_t>(start.size()) != count)
      throw InputError(
          fmt::format("the weights to start from: expected {}, found {}: num_filters, "
                      "event_length, windows and lags cannot be changed",
                      count, start.size()));
    std::copy(start.begin(), start.end(), learned.begin());
    return learned;
  }
  Random random(Random::derive(static_cast<std::uint64_t>(config.seed), 0));
  const auto draw = [&](double stddev) {
    float value = random.normal();
    while (config.truncate_init && std::abs(value) > 2) value = random.normal();
    return value * static_cast<float>(stddev);
  };
  float* next = learned.data();
  for (const WeightTensor& tensor : weight_tensors(config)) {
    const bool bias = tensor.name.ends_with(".bias"), window = tensor.name == "windows.weight";
    for (std::int64_t i = 0; i < tensor.size(); ++i)
      *next++ = bias     ? static_cast<float>(config.event_init_bias)
                : window ? draw(config.window_init_stddev)
                         : draw(config.event_init_stddev);
  }
  if (config.tie_rotations) {
    const BigramParams p = bigram_params(config);
    // A mean of 12 draws would be 12 times less varied.
    for (int i = 0; i < p.bias_offset(); ++i) learned[i] *= std::sqrt(float{kPitchClasses});
    tie_rotations(p, learned);
  }
  return learned;
}

}  // namespace reprise
