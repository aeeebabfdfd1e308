#include "audio/notes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "audio/spectrum.h"

namespace reprise {
namespace {

constexpr int kPartials = 20;
constexpr int kAlign = 16;  // floats

}  // namespace

void Tuning::add(const float* power) {
  std::array<double, kFineBins> sums{};
  for (int b = 0; b < bins_; ++b) sums[b % kFineBins] += power[b];
  double total = 0, real = 0, imaginary = 0;
  for (int i = 0; i < kFineBins; ++i) {
    const double angle = 2 * std::numbers::pi * i / kFineBins;
    total += sums[i];
    real += sums[i] * std::cos(angle);
    imaginary += sums[i] * std::sin(angle);
  }
  if (total <= 0) return;
  real_ += real / std::sqrt(total);
  imaginary_ += imaginary / std::sqrt(total);
}

double Tuning::semitones() const {
  return real_ == 0 && imaginary_ == 0 ? 0 : std::atan2(imaginary_, real_) / (2 * std::numbers::pi);
}

Notes::Notes(const ChromaSettings& settings)
    : lowest_(static_cast<int>(settings.lowest)),
      notes_(static_cast<int>(settings.highest - settings.lowest) + 1),
      stride_((notes_ + kAlign - 1) / kAlign * kAlign),
      updates_(static_cast<int>(settings.harmonics)),
      floor_(static_cast<float>(std::pow(10.0, settings.silence / 20))),
      hats_(2 * kMargin + 1),
      dictionary_(static_cast<std::size_t>(notes_) * stride_),
      gram_(dictionary_.size()),
      strengths_(stride_),
      matches_(stride_),
      explained_(stride_) {
  for (int note = 0; note < notes_; ++note) {
    float* column = &dictionary_[static_cast<std::size_t>(note) * stride_];
    for (int h = 1; h <= kPartials; ++h) {
      const double at = note + 12 * std::log2(h);
      const int below = static_cast<int>(at);
      const double share = at - below;
      const double strength = std::pow(settings.decay, h - 1);
      if (below < notes_) column[below] += static_cast<float>(strength * (1 - share));
      if (below + 1 < notes_) column[below + 1] += static_cast<float>(strength * share);
    }
  }
  for (int i = 0; i < notes_; ++i)
    for (int j = 0; j < notes_; ++j) {
      double sum = 0;
      for (int n = 0; n < notes_; ++n)
        sum += double{dictionary_[static_cast<std::size_t>(i) * stride_ + n]} *
               dictionary_[static_cast<std::size_t>(j) * stride_ + n];
      gram_[static_cast<std::size_t>(i) * stride_ + j] = static_cast<float>(sum);
    }
  tune(0);
}

void Notes::tune(double semitones) {
  for (int i = -kMargin; i <= kMargin; ++i)
    hats_[i + kMargin] = static_cast<float>(
        std::max(0.0, 1 - 1.5 * std::abs(static_cast<double>(i) / kFineBins - semitones)));
}

void Notes::explain_partials() {
  float* a = strengths_.data();
  for (int j = 0; j < notes_; ++j) {
    const float* column = &dictionary_[static_cast<std::size_t>(j) * stride_];
    float sum = 0;
    for (int n = 0; n < notes_; ++n) sum += column[n] * a[n];
    matches_[j] = sum;
  }
  for (int update = 0; update < updates_; ++update) {
    std::fill(explained_.begin(), explained_.end(), 0.0f);
    for (int j = 0; j < notes_; ++j) {
      const float* row = &gram_[static_cast<std::size_t>(j) * stride_];
      for (int i = 0; i < stride_; ++i) explained_[i] += row[i] * a[j];
    }
    for (int i = 0; i < notes_; ++i)
      a[i] = explained_[i] > 0 ? a[i] * (matches_[i] / explained_[i]) : 0;
  }
}

void Notes::chroma(const float* power, float* chroma) {
  std::fill_n(chroma, kPitchClasses, 0.0f);
  for (int n = 0; n < notes_; ++n) {
    float sum = 0;
    for (int i = 0; i < 2 * kMargin + 1; ++i) sum += hats_[i] * power[n * kFineBins + i];
    strengths_[n] = std::sqrt(sum);
  }
  if (*std::max_element(strengths_.begin(), strengths_.begin() + notes_) < floor_) return;
  explain_partials();
  for (int n = 0; n < notes_; ++n) chroma[(lowest_ + n) % kPitchClasses] += strengths_[n];
  const float largest = *std::max_element(chroma, chroma + kPitchClasses);
  for (int c = 0; c < kPitchClasses; ++c) chroma[c] = largest > 0 ? chroma[c] / largest : 0.0f;
}

}  // namespace reprise
