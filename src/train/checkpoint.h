#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

/// All that decides how a training run goes on, and what it has told so far: one safetensors file.
struct Checkpoint {
  std::string config;          ///< JSON
  std::string data;            ///< fingerprint of the song set's ids and lengths
  std::int64_t step = 0;       ///< steps done
  double seconds = 0;          ///< spent so far
  double best_map = -1;        ///< -1 before the first validation
  std::vector<float> learned;  ///< weights, then the logarithm of the scale
  std::vector<float> moment1;
  std::vector<float> moment2;
  std::vector<float> best;   ///< `learned` at the best validation
  std::vector<float> curve;  ///< rows of (step, loss, gradient norm, rate, validation MAP or -1)

  static constexpr int kCurveColumns = 5;
};

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Throws Error naming the file where it is no checkpoint, or not one of `size` learned values.
Checkpoint read_checkpoint(const std::string& path);

}  // namespace reprise
