#include "model/event_pairs.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

// Rounding leaves a little of what is zero: below this share of the largest co-occurrence of an
// event with itself, an event never changes.
constexpr double kConstant = 1e-6;

bool keeps(KeptPairs pairs, int i, int j, int events) {
  switch (pairs) {
    case KeptPairs::all:
    case KeptPairs::intervals:
      return true;
    case KeptPairs::upper:
      return i <= j;
    case KeptPairs::above:
      return i < j;
    case KeptPairs::off_diagonal:
      return i != j;
    case KeptPairs::cross:
      return i < events / 2 && j >= events / 2;
  }
  return false;
}

double compressed(Compression kind, double v) {
  if (kind == Compression::tanh) return std::tanh(v);
  if (kind == Compression::signed_root)
    return v / std::sqrt(std::abs(v) + double{kSignedRootEpsilon});
  return v;
}

double slope(Compression kind, double v) {
  if (kind == Compression::tanh) return 1 - std::tanh(v) * std::tanh(v);
  if (kind == Compression::none) return 1;
  const double shifted = std::abs(v) + double{kSignedRootEpsilon};
  return (std::abs(v) / 2 + double{kSignedRootEpsilon}) / (shifted * std::sqrt(shifted));
}

double length(const std::vector<double>& values) {
  double square = 0;
  for (const double value : values) square += value * value;
  return std::sqrt(square);
}

}  // namespace

bool EventPairs::as_they_are(const Config& config) {
  return config.pairs == KeptPairs::all && config.normalisation == Normalisation::none;
}

EventPairs::EventPairs(const Config& config)
    : events_(config.num_filters),
      windows_(config.windows),
      dims_(config.bigrams()),
      rows_(config.normalisation == Normalisation::rows),
      correlation_(config.normalisation == Normalisation::correlation),
      unit_norm_(config.unit_norm),
      compression_(config.compression) {
  const int n = events_, kernels = n / kPitchClasses;
  int next = 0;
  for (int f = 0; f < windows_; ++f)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        if (config.pairs != KeptPairs::intervals) {
          target_.push_back(keeps(config.pairs, i, j, n) ? next++ : -1);
          continue;
        }
        const int interval = (j - i + n) % kPitchClasses;
        const int pair = (f * kernels + i / kPitchClasses) * kernels + j / kPitchClasses;
        target_.push_back(pair * kPitchClasses + interval);
      }
}

std::vector<double> EventPairs::collect(const float* m) const {
  const int n = events_;
  std::vector<double> values(dims_, 0.0);
  std::vector<double> scale(n, 1.0);
  for (int f = 0; f < windows_; ++f) {
    const float* of_window = m + f * n * n;
    double largest = 0;
    for (int i = 0; i < n; ++i) largest = std::max(largest, double{of_window[i * n + i]});
    for (int i = 0; i < n && (rows_ || correlation_); ++i) {
      const double own = of_window[i * n + i];
      double square = 0;
      for (int j = 0; j < n; ++j) square += double{of_window[i * n + j]} * of_window[i * n + j];
      const bool constant = own <= kConstant * largest;
      scale[i] = constant ? 0 : 1 / std::sqrt(rows_ ? square : own);
    }
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        const int at = (f * n + i) * n + j;
        if (target_[at] < 0) continue;
        values[target_[at]] += double{m[at]} * scale[i] * (correlation_ ? scale[j] : 1.0);
      }
  }
  return values;
}

void EventPairs::finish(std::vector<double> values, float* out) const {
  for (double& value : values) value = compressed(compression_, value);
  const double norm = length(values);
  const double scale = !unit_norm_ ? 1 : norm > double{kSilentNorm} ? 1 / norm : 0;
  for (const double value : values) *out++ = static_cast<float>(value * scale);
}

void EventPairs::forward(const float* m, std::int64_t count, float* out) const {
  for (std::int64_t song = 0; song < count; ++song)
    finish(collect(m + song * static_cast<std::int64_t>(target_.size())), out + song * dims_);
}

void EventPairs::compress(const float* values, std::int64_t count, float* out) const {
  for (std::int64_t at = 0; at < count * dims_; at += dims_)
    finish(std::vector<double>(values + at, values + at + dims_), out + at);
}

void EventPairs::backward(const float* m, const float* out_gradient, std::int64_t count,
                          float* m_gradient) const {
  for (std::int64_t song = 0; song < count; ++song, out_gradient += dims_) {
    const auto first = song * static_cast<std::int64_t>(target_.size());
    const std::vector<double> values = collect(m + first);
    std::vector<double> y(values);
    for (double& value : y) value = compressed(compression_, value);
    const double norm = length(y);
    const bool silent = unit_norm_ && norm <= double{kSilentNorm};
    double along = 0;
    for (int d = 0; d < dims_; ++d) along += y[d] * double{out_gradient[d]};
    std::vector<double> gradient(dims_, 0.0);
    for (int d = 0; d < dims_ && !silent; ++d) {
      double dy = out_gradient[d];
      if (unit_norm_) dy = (dy - y[d] * along / (norm * norm)) / norm;
      gradient[d] = dy * slope(compression_, values[d]);
    }
    for (std::size_t at = 0; at < target_.size(); ++at)
      m_gradient[first + static_cast<std::int64_t>(at)] =
          target_[at] < 0 ? 0.0f : static_cast<float>(gradient[target_[at]]);
  }
}

}  // namespace reprise
