#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace reprise {

/// The samples of an audio file as one channel at one rate, read from start to end in constant
/// memory. Samples that are not numbers count as 0, others are bounded to kLoudest.
///
/// Throws Error naming the file: it cannot be opened, libsndfile does not know it, its rate is
/// absurd, or (with the place) it is damaged.
class AudioFile {
 public:
  static constexpr float kLoudest = 1e6f;  ///< full scale is 1

  AudioFile(const std::string& path, int rate);
  /// From the bytes of a file, which must outlive this; `path` is for messages.
  AudioFile(std::span<const std::uint8_t> bytes, const std::string& path, int rate);
  ~AudioFile();

  /// Fills `out` and returns its size, or fewer at the end.
  std::size_t read(std::span<float> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
