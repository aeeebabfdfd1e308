#pragma once

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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
