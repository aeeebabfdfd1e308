#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/view.h"

// What the audio front end, which reads files and has the definition (audio.h), passes to a back
// end that computes chroma from samples. Plain data: neither includes the other.
namespace reprise {

/// Fine bins per semitone.
inline constexpr int kFineBins = 3;
/// Fine bins below the lowest note and above the highest: a song may be half a semitone off.
inline constexpr int kFineMargin = 3;

/// Tables that follow from ChromaSettings.
struct ChromaTables {
  /// A fine bin's weights over a transform's bins.
  struct Hat {
    int first = 0;  ///< of the transform's bins
    std::vector<float> weights;
  };
  /// The fine bins that are read from windows of one length, some in a row.
  struct Resolution {
    int window = 0;           ///< samples, a power of two
    std::vector<float> hann;  ///< [window], scaled: a sine of amplitude 1 has power 1
    int first_bin = 0;        ///< fine bin of the first hat
    std::vector<Hat> hats;
  };
  std::vector<Resolution> resolutions;  ///< all fine bins together, in their order
  int bins = 0;                         ///< fine bins; bin kFineMargin is the lowest note
  bool tuned = false;                   ///< whether the song's tuning is followed

  int lowest = 0;                 ///< MIDI note
  int notes = 0;                  ///< one a semitone
  int stride = 0;                 ///< notes, rounded up: columns of the matrices
  int updates = 0;                ///< of the notes' strengths
  float floor = 0;                ///< magnitude of the loudest note below which a frame is silent
  std::vector<float> dictionary;  ///< D^T [notes, stride]: row j is the column of note j
  std::vector<float> gram;        ///< D^T D [notes, stride], symmetric
};

/// A song's samples and where its frames' windows lie in them.
struct CutSong {
  /// The spectra of one resolution.
  struct Windows {
    std::vector<std::int64_t> starts;  ///< first sample of each, frame after frame
    std::vector<std::int64_t> frames;  ///< [frames + 1] first window of each frame, and the end
  };
  std::vector<float> samples;    ///< with zeros around them, so that no window leaves them
  std::vector<Windows> windows;  ///< [resolution]
  std::int64_t frames = 0;
  std::int64_t tuning_frames = 0;  ///< from the first on: those that the tuning is read from
  double seconds = 0;
};

/// Chroma [frames, 12] of one song.
struct AudioChroma {
  std::vector<float> chroma;
  double seconds = 0;
  double tuning = 0;  ///< semitones above A = 440 Hz, -.5 to .5
};

/// Computes the chroma of audio instead of the front end: see Backend::chroma_engine().
/// Threads: one at a time.
class ChromaEngine {
 public:
  virtual ~ChromaEngine() = default;
  /// The chroma of each song, which does not depend on the other songs.
  virtual std::vector<AudioChroma> chroma(std::span<const CutSong> songs) = 0;
};

}  // namespace reprise
