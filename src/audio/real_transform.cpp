#include "audio/real_transform.h"

#include <kiss_fftr.h>

#include <cmath>
#include <cstdlib>
#include <new>
#include <numbers>

namespace reprise {

std::vector<float> hann_window(std::int64_t window) {
  std::vector<float> hann(static_cast<std::size_t>(window));
  const auto size = static_cast<double>(window);
  for (std::int64_t i = 0; i < window; ++i)
    hann[i] = static_cast<float>(
        (1 - std::cos(2 * std::numbers::pi * static_cast<double>(i) / size)) * 2 / size);
  return hann;
}

RealTransform::RealTransform(std::int64_t window)
    : state_(kiss_fftr_alloc(static_cast<int>(window), 0, nullptr, nullptr),
             [](kiss_fftr_state* state) { kiss_fftr_free(state); }),
      hann_(hann_window(window)),
      windowed_(hann_.size()),
      power_(hann_.size() / 2 + 1),
      transformed_(power_.size()) {
  if (!state_) throw std::bad_alloc();
}

std::span<const float> RealTransform::power(const float* x, std::int64_t first, std::int64_t last) {
  for (std::size_t i = 0; i < hann_.size(); ++i) windowed_[i] = x[i] * hann_[i];
  kiss_fftr(state_.get(), windowed_.data(), reinterpret_cast<kiss_fft_cpx*>(transformed_.data()));
  for (std::int64_t k = first; k <= last; ++k) power_[k] = std::norm(transformed_[k]);
  return power_;
}

}  // namespace reprise
