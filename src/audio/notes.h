#pragma once

#include <vector>

#include "reprise/chroma_engine.h"

namespace reprise {

/// A song's tuning from its power spectra: semitones above A = 440 Hz (ChromaSettings: tuning).
class Tuning {
 public:
  explicit Tuning(int bins) : bins_(bins) {}
  void add(const float* power);  ///< [bins]
  double semitones() const;      ///< -.5 to .5

 private:
  int bins_;
  double real_ = 0, imaginary_ = 0;
};

/// From power spectra to chroma (ChromaSettings: notes, strings, chroma).
class Notes {
 public:
  /// The tables must outlive it.
  explicit Notes(const ChromaTables& tables);

  void tune(double semitones);
  /// power [bins], chroma [12].
  void chroma(const float* power, float* chroma);

 private:
  void explain_partials();

  const ChromaTables& tables_;
  float hats_[2 * kFineMargin + 1];                     // weights of the fine bins around a note
  std::vector<float> strengths_, matches_, explained_;  // y then a, D^T y, D^T D a: [stride]
};

}  // namespace reprise
