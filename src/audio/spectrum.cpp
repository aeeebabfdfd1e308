#include "audio/spectrum.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

constexpr double kSpacing = 0.3;  // of a resolution's spectra, in windows
constexpr std::int64_t kReadAhead = 16384;

}  // namespace

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

Spread::Spread(double begin, double end, int window)
    : begin_(begin),
      length_(end - begin),
      window_(window),
      count_(std::max<std::int64_t>(
          1, std::llround(length_ / (kSpacing * static_cast<double>(window))))) {}

std::int64_t Spread::start(std::int64_t i) const {
  const double centre =
      begin_ + (static_cast<double>(i) + 0.5) * length_ / static_cast<double>(count_);
  return std::llround(centre) - window_ / 2;
}

Spectrum::Spectrum(const ChromaTables& tables) : tables_(tables) {
  for (const ChromaTables::Resolution& r : tables.resolutions) transforms_.emplace_back(r.window);
}

void Spectrum::average(Samples& samples, double begin, double end, float* out) {
  std::fill_n(out, bins(), 0.0f);
  for (std::size_t resolution = 0; resolution < transforms_.size(); ++resolution) {
    const ChromaTables::Resolution& r = tables_.resolutions[resolution];
    const int first = r.hats.front().first;
    const int last = r.hats.back().first + static_cast<int>(r.hats.back().weights.size()) - 1;
    const Spread spread(begin, end, r.window);
    for (std::int64_t i = 0; i < spread.count(); ++i) {
      const float* x = samples.window(spread.start(i), r.window);
      const std::span<const float> power = transforms_[resolution].power(x, first, last);
      for (std::size_t h = 0; h < r.hats.size(); ++h) {
        const ChromaTables::Hat& hat = r.hats[h];
        float sum = 0;
        for (std::size_t k = 0; k < hat.weights.size(); ++k)
          sum += hat.weights[k] * power[hat.first + k];
        out[r.first_bin + h] += sum / static_cast<float>(spread.count());
      }
    }
  }
}

}  // namespace reprise
