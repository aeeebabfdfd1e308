#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/song_set.h"

namespace reprise {

/// Vectors of songs, each in one or several keys.
struct Fingerprints {
  std::int64_t songs = 0;
  int keys = 1;
  int dims = 0;
  std::vector<float> values;        ///< [songs, keys, dims]
  std::vector<std::int32_t> rolls;  ///< [songs, keys]: semitones the song was transposed up
};

/// In which keys a song is fingerprinted.
enum class Keys : std::uint8_t {
  candidate,  ///< as it is stored: one key
  query,      ///< as it is looked up: 1, 2 or 12 keys, best of them wins
  all,        ///< 12, index r is the song rolled up by r semitones
};

enum class Metric : std::uint8_t {
  cosine,
  euclidean,  ///< similarity is minus the squared distance
};

/// A way to turn songs into vectors: a trained model or a published fingerprint.
class FingerprintMethod {
 public:
  virtual ~FingerprintMethod() = default;
  virtual std::string name() const = 0;
  virtual int dims() const = 0;
  virtual Metric metric() const { return Metric::cosine; }
  /// Key-invariant methods give the same vector for all keys.
  virtual Fingerprints compute(const SongSet& set, std::span<const std::int64_t> songs,
                               Keys keys) = 0;
};

}  // namespace reprise
