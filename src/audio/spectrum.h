#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "audio/real_transform.h"
#include "reprise/chroma_engine.h"

namespace reprise {

/// The samples that windows are laid over, of which only the last are kept; what lies outside of
/// the song is zero.
class Samples {
 public:
  /// Fills a span and returns its size, or fewer at the end of the song.
  using Source = std::function<std::size_t(std::span<float>)>;

  /// reach: how far the start of a window may ever lie before the end of an earlier one.
  Samples(Source source, std::int64_t reach);

  /// Samples [first, first + count).
  const float* window(std::int64_t first, std::int64_t count);
  /// Whether the song goes on past this sample.
  bool reaches(std::int64_t sample);
  /// Samples of the song, once its end was reached.
  std::int64_t length() const { return length_; }

 private:
  void load(std::int64_t end);

  Source source_;
  std::int64_t reach_;
  std::vector<float> buffer_;  // samples [base_, end_)
  std::int64_t base_, end_;
  std::int64_t length_ = -1;
};

/// The spectra of a span [begin, end) of samples, windows of one length evenly spaced in it
/// (ChromaSettings: power).
class Spread {
 public:
  Spread(double begin, double end, int window);

  std::int64_t count() const { return count_; }
  /// First sample of window i.
  std::int64_t start(std::int64_t i) const;

 private:
  double begin_, length_;
  int window_;
  std::int64_t count_;
};

/// Power on a logarithmic axis of frequency, in windows that are longer where notes are closer
/// together (ChromaSettings: power).
class Spectrum {
 public:
  /// The tables must outlive it.
  explicit Spectrum(const ChromaTables& tables);

  int bins() const { return tables_.bins; }
  /// Mean power of the span [begin, end) of samples; out [bins].
  void average(Samples& samples, double begin, double end, float* out);

 private:
  const ChromaTables& tables_;
  std::vector<RealTransform> transforms_;  // of the resolutions
};

}  // namespace reprise
