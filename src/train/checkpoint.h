#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reprise/config.h"
#include "reprise/song_set.h"
#include "reprise/trainer.h"

namespace reprise {

/// All that decides how a training run goes on, and what it has told so far: one safetensors file.
struct Checkpoint {
  std::string config;          ///< JSON
  std::string data;            ///< data_name() of the song set
  std::int64_t step = 0;       ///< steps done
  double seconds = 0;          ///< spent so far
  double best_map = -1;        ///< -1 before the first validation
  std::vector<float> learned;  ///< weights, then the logarithm of the inverse temperature
  std::vector<float> moment1;
  std::vector<float> moment2;
  std::vector<float> best;      ///< `learned` at the best validation
  std::vector<LoggedStep> log;  ///< tensor `curve` [steps logged, 5] of the file
};

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Throws Error naming the file where it is no checkpoint, or not one of `size` learned values.
Checkpoint read_checkpoint(const std::string& path);

/// Names the songs that a checkpoint belongs to: how many, and a hash of their ids and lengths.
std::string data_name(const SongSet& set);

/// Throws Error unless a run of this configuration, with so many learned values, on this set can go
/// on from the checkpoint of that file.
void check_resumable(const Checkpoint& checkpoint, const std::string& path, const Config& config,
                     const SongSet& set, std::size_t size);

}  // namespace reprise
