#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "audio/spectrum.h"
#include "reprise/audio.h"

namespace reprise {

/// The frames of one song, from its start on (ChromaSettings: frames).
class Frames {
 public:
  struct Span {
    double begin, end;  ///< samples
  };

  /// `open` goes to the song's start: with `beats` it is read once for them.
  Frames(const ChromaSettings& settings, const std::function<Samples::Source()>& open);

  /// The longest that a frame can be, in samples.
  double longest() const;
  /// The next frame; `reaches` says whether the song goes on past a sample.
  std::optional<Span> next(const std::function<bool(std::int64_t)>& reaches);

 private:
  const ChromaSettings& settings_;
  std::vector<double> beats_;  // bounds, in samples
  std::int64_t next_ = 0;
};

/// Whether the song's tuning is read from frames up to this one and no further.
bool ends_tuning(const ChromaSettings& settings, const Frames::Span& frame);

/// A song that is held in memory, cut for a ChromaEngine.
CutSong cut_song(std::vector<float> samples, const ChromaSettings& settings,
                 const ChromaTables& tables);

}  // namespace reprise
