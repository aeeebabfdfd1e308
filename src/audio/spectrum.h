#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "audio/real_transform.h"
#include "reprise/audio.h"

namespace reprise {

/// Fine bins a semitone.
inline constexpr int kFineBins = 3;
/// Fine bins below the lowest note and above the highest: a song may be half a semitone off.
inline constexpr int kMargin = 3;

int fine_bins(const ChromaSettings& settings);
/// Of fine bin b, counted from 0; bin kMargin is the lowest note.
double fine_frequency(const ChromaSettings& settings, int bin);

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

/// Power on a logarithmic axis of frequency, in windows that are longer where notes are closer
/// together (ChromaSettings: power).
class Spectrum {
 public:
  explicit Spectrum(const ChromaSettings& settings);

  int bins() const { return bins_; }
  /// Mean power of the span [begin, end) of samples; out [bins].
  void average(Samples& samples, double begin, double end, float* out);

 private:
  struct Hat {  // a fine bin's weights over the transform's bins
    int first;
    std::vector<float> weights;
  };
  struct Resolution {
    RealTransform transform;
    int first_bin;
    std::vector<Hat> hats;
  };

  Resolution make(const ChromaSettings& settings, std::int64_t window, int first_bin,
                  int last_bin) const;

  int bins_;
  std::vector<Resolution> resolutions_;
};

}  // namespace reprise
