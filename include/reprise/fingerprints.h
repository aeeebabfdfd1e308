#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/song_set.h"

namespace reprise {

/// Fingerprints of songs, each in one or more keys.
struct Fingerprints {
  std::int64_t songs = 0;
  int keys = 1;
  int dims = 0;
  std::vector<float> values;        ///< [songs, keys, dims]
  std::vector<std::int32_t> rolls;  ///< [songs, keys]: transposition in semitones upwards
};

/// The keys that a song is fingerprinted in.
enum class Keys : std::uint8_t {
  candidate,  ///< for stored songs: one key
  query,      ///< for queries: 1, 2 or 12 keys, the best match counts
  all,        ///< all 12; index r is the song transposed up by r semitones
};

enum class Metric : std::uint8_t {
  cosine,
  euclidean,  ///< similarity is minus the squared distance
};

/// Computes fingerprints: a trained model or a published method.
/// Threads: as many may call compute() concurrently as its back end allows.
class Fingerprinter {
 public:
  virtual ~Fingerprinter() = default;
  virtual std::string name() const = 0;
  virtual int dims() const = 0;
  virtual Metric metric() const { return Metric::cosine; }
  /// Key-invariant methods give the same vector for all keys.
  virtual Fingerprints compute(const SongSet& set, std::span<const std::int64_t> songs,
                               Keys keys) = 0;
};

}  // namespace reprise
