#include "audio/notes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace reprise {

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

Notes::Notes(const ChromaTables& tables)
    : tables_(tables),
      strengths_(tables.stride),
      matches_(tables.stride),
      explained_(tables.stride) {
  tune(0);
}

void Notes::tune(double semitones) {
  for (int i = -kFineMargin; i <= kFineMargin; ++i)
    hats_[i + kFineMargin] = static_cast<float>(
        std::max(0.0, 1 - 1.5 * std::abs(static_cast<double>(i) / kFineBins - semitones)));
}

void Notes::explain_partials() {
  float* a = strengths_.data();
  const int notes = tables_.notes, stride = tables_.stride;
  for (int j = 0; j < notes; ++j) {
    const float* column = &tables_.dictionary[static_cast<std::size_t>(j) * stride];
    float sum = 0;
    for (int n = 0; n < notes; ++n) sum += column[n] * a[n];
    matches_[j] = sum;
  }
  for (int update = 0; update < tables_.updates; ++update) {
    std::fill(explained_.begin(), explained_.end(), 0.0f);
    for (int j = 0; j < notes; ++j) {
      const float* row = &tables_.gram[static_cast<std::size_t>(j) * stride];
      for (int i = 0; i < stride; ++i) explained_[i] += row[i] * a[j];
    }
    for (int i = 0; i < notes; ++i)
      a[i] = explained_[i] > 0 ? a[i] * (matches_[i] / explained_[i]) : 0;
  }
}

void Notes::chroma(const float* power, float* chroma) {
  std::fill_n(chroma, kPitchClasses, 0.0f);
  for (int n = 0; n < tables_.notes; ++n) {
    float sum = 0;
    for (int i = 0; i < 2 * kFineMargin + 1; ++i) sum += hats_[i] * power[n * kFineBins + i];
    strengths_[n] = std::sqrt(sum);
  }
  if (*std::max_element(strengths_.begin(), strengths_.begin() + tables_.notes) < tables_.floor)
    return;
  explain_partials();
  for (int n = 0; n < tables_.notes; ++n)
    chroma[(tables_.lowest + n) % kPitchClasses] += strengths_[n];
  const float largest = *std::max_element(chroma, chroma + kPitchClasses);
  for (int c = 0; c < kPitchClasses; ++c) chroma[c] = largest > 0 ? chroma[c] / largest : 0.0f;
}

}  // namespace reprise
