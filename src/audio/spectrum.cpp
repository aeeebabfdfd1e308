#include "audio/spectrum.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

constexpr double kSpacing = 0.3;        // of a resolution's spectra, in windows
constexpr double kBinsPerSemitone = 3;  // of the transform, at least
constexpr std::int64_t kReadAhead = 16384;

}  // namespace

int fine_bins(const ChromaSettings& settings) {
  return static_cast<int>(settings.highest - settings.lowest) * kFineBins + 1 + 2 * kMargin;
}

double fine_frequency(const ChromaSettings& settings, int bin) {
  const double note = settings.lowest + static_cast<double>(bin - kMargin) / kFineBins;
  return 440 * std::exp2((note - 69) / 12);
}

Samples::Samples(Source source, std::int64_t reach)
    : source_(std::move(source)),
      reach_(reach + kReadAhead),
      buffer_(static_cast<std::size_t>(2 * reach_)),
      base_(-reach_),
      end_(0) {}

void Samples::load(std::int64_t end) {
  while (end_ < end) {
    const auto size = static_cast<std::int64_t>(buffer_.size());
    if (end_ + kReadAhead - base_ > size) {  // what windows can no longer ask for is dropped
      const std::int64_t keep = end_ - reach_;
      std::copy(buffer_.begin() + (keep - base_), buffer_.begin() + (end_ - base_),
                buffer_.begin());
      base_ = keep;
    }
    const std::span<float> free(buffer_.data() + (end_ - base_), kReadAhead);
    std::size_t count = 0;
    if (length_ < 0) {
      count = source_(free);
      if (count < free.size()) length_ = end_ + static_cast<std::int64_t>(count);
    }
    std::fill(free.begin() + static_cast<std::ptrdiff_t>(count), free.end(), 0.0f);
    end_ += kReadAhead;
  }
}

const float* Samples::window(std::int64_t first, std::int64_t count) {
  load(first + count);
  return buffer_.data() + (first - base_);
}

bool Samples::reaches(std::int64_t sample) {
  if (length_ < 0) load(sample + 1);
  return length_ < 0 || sample < length_;
}

Spectrum::Spectrum(const ChromaSettings& settings) : bins_(fine_bins(settings)) {
  const auto window_of = [&](int bin) {
    const double semitone = fine_frequency(settings, bin) * (std::exp2(1.0 / 12) - 1);
    double window = settings.shortest_window;
    while (window < settings.longest_window && semitone * window / settings.rate < kBinsPerSemitone)
      window *= 2;
    return static_cast<std::int64_t>(window);
  };
  for (int bin = 0; bin < bins_;) {
    const std::int64_t window = window_of(bin);
    int last = bin;
    while (last + 1 < bins_ && window_of(last + 1) == window) ++last;
    resolutions_.push_back(make(settings, window, bin, last));
    bin = last + 1;
  }
}

Spectrum::Resolution Spectrum::make(const ChromaSettings& settings, std::int64_t window,
                                    int first_bin, int last_bin) const {
  Resolution r{RealTransform(window), first_bin, {}};
  const auto size = static_cast<double>(window);
  // Hats that reach to the neighbouring fine bins, and at least to the next of the transform's.
  const auto place = [&](int bin) { return fine_frequency(settings, bin) * size / settings.rate; };
  for (int bin = first_bin; bin <= last_bin; ++bin) {
    const double centre = place(bin);
    const double below = std::min(place(bin - 1), centre - 1);
    const double above = std::max(place(bin + 1), centre + 1);
    Hat hat{static_cast<int>(std::floor(below)) + 1, {}};
    for (int k = hat.first; k < above && k <= window / 2; ++k)
      hat.weights.push_back(static_cast<float>(k < centre ? (k - below) / (centre - below)
                                                          : (above - k) / (above - centre)));
    r.hats.push_back(std::move(hat));
  }
  return r;
}

void Spectrum::average(Samples& samples, double begin, double end, float* out) {
  std::fill_n(out, bins_, 0.0f);
  for (Resolution& r : resolutions_) {
    const std::int64_t window = r.transform.window();
    const int first = r.hats.front().first;
    const int last = r.hats.back().first + static_cast<int>(r.hats.back().weights.size()) - 1;
    const auto count = std::max<std::int64_t>(
        1, std::llround((end - begin) / (kSpacing * static_cast<double>(window))));
    for (std::int64_t i = 0; i < count; ++i) {
      const double centre =
          begin + (static_cast<double>(i) + 0.5) * (end - begin) / static_cast<double>(count);
      const float* x = samples.window(std::llround(centre) - window / 2, window);
      const std::span<const float> power = r.transform.power(x, first, last);
      for (std::size_t h = 0; h < r.hats.size(); ++h) {
        const Hat& hat = r.hats[h];
        float sum = 0;
        for (std::size_t k = 0; k < hat.weights.size(); ++k)
          sum += hat.weights[k] * power[hat.first + k];
        out[r.first_bin + h] += sum / static_cast<float>(count);
      }
    }
  }
}

}  // namespace reprise
