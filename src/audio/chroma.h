#pragma once

#include <optional>

#include "audio/spectrum.h"
#include "reprise/audio.h"

namespace reprise {

/// The chroma of one song after another; keeps plans and tables between them.
class ChromaExtractor {
 public:
  explicit ChromaExtractor(const ChromaSettings& settings);
  ~ChromaExtractor();

  /// Samples as ChromaSettings: x; `open` goes to their start (with `beats` they are read twice).
  /// The chroma is empty where there are none.
  AudioChroma extract(const std::function<Samples::Source()>& open);
  /// Of a file: throws Error as chroma_of_audio does.
  AudioChroma read(const std::string& path);
  /// 50 minutes at 11,025 Hz.
  static constexpr std::size_t kMostSamples = std::size_t{1} << 25;
  /// A file's samples, cut for a ChromaEngine, or nothing where there are more than `most`. Throws
  /// Error as chroma_of_audio does, but for silence, which is not seen yet.
  std::optional<CutSong> cut(const std::string& path, std::size_t most = kMostSamples);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws Error naming the file where there is nothing but silence.
void require_music(const std::string& path, const AudioChroma& song);

}  // namespace reprise
