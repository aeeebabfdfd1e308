#pragma once

// The definitions as plain loops, in double precision the truth, in float the yardstick of
// tolerance.h. Nothing here is shared with the engine but the parameter structs.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "reprise/params.h"

namespace reprise::oracle {

/// x [frames, 12 * bands] of an excerpt, each band rolled.
template <class Real>
std::vector<Real> excerpt_chroma(ChromaView chroma, const Excerpt& e) {
  std::vector<Real> x;
  for (int t = 0; t < e.frames; ++t)
    for (int band = 0; band < chroma.bands; ++band)
      for (int c = 0; c < 12; ++c)
        x.push_back(Real(chroma.at(e.first + t, 12 * band + ((c - e.roll) % 12 + 12) % 12)));
  return x;
}

template <class Real>
struct Bigrams {
  int frames = 0;         // of events
  std::vector<Real> raw;  // E before centring [frames, N]
  std::vector<Real> e;    // E [frames, N]
  std::vector<Real> g;    // pooled bigrams [F, N, N]
  std::vector<Real> y;    // compressed
  std::vector<Real> out;  // fingerprint
};

template <class Real>
Real activate(Activation h, Real response) {
  if (h == Activation::none) return response;
  if (h == Activation::step) return response > 0 ? Real(1) : Real(0);
  return std::max(Real(0), response);
}

template <class Real>
Real compress(Compression kind, Real g) {
  if (kind == Compression::tanh) return std::tanh(g);
  if (kind == Compression::none) return g;
  return g / std::sqrt(std::abs(g) + Real(1e-6));
}

template <class Real>
Real compress_slope(Compression kind, Real g) {
  if (kind == Compression::tanh) return 1 - std::tanh(g) * std::tanh(g);
  if (kind == Compression::none) return 1;
  const Real shifted = std::abs(g) + Real(1e-6);
  return (std::abs(g) / 2 + Real(1e-6)) / (shifted * std::sqrt(shifted));
}

/// Audio bigrams by the definition in params.h: every tap's shifted copy of E, no lag identity. x
/// [frames, 12 * bands], or with given events [frames, N].
template <class Real, class Weight>
Bigrams<Real> bigram_forward(const std::vector<Real>& x, const std::vector<Weight>& weights,
                             const BigramParams& p) {
  const int n = p.events, width = 12 * p.bands;
  const int frames = int(x.size()) / (p.given_events ? n : width);
  Bigrams<Real> b;
  b.frames = std::max(1, frames - p.event_length + 1);
  b.raw.assign(std::size_t(b.frames) * n, 0);
  if (p.given_events) b.raw = x;
  for (int t = 0; t < b.frames && !p.given_events; ++t)
    for (int i = 0; i < n; ++i) {
      Real sum = Real(weights[p.bias_offset() + i]);
      for (int q = 0; q < p.event_length; ++q)
        for (int c = 0; c < width; ++c)
          if (t + q < frames)
            sum += Real(weights[(i * p.event_length + q) * width + c]) * x[(t + q) * width + c];
      b.raw[t * n + i] = activate(p.activation, sum);
    }
  b.e = b.raw;
  if (p.centre_events)
    for (int i = 0; i < n; ++i) {
      Real mean = 0;
      for (int t = 0; t < b.frames; ++t) mean += b.raw[t * n + i];
      mean /= Real(b.frames);
      for (int t = 0; t < b.frames; ++t) b.e[t * n + i] -= mean;
    }
  const auto at = [&](int t, int i) { return t < 0 || t >= b.frames ? Real(0) : b.e[t * n + i]; };
  b.g.assign(p.dims(), 0);
  for (int f = 0; f < p.windows; ++f)
    for (int t = 0; t < b.frames; ++t)
      for (int i = 0; i < n; ++i) {
        Real windowed = 0;
        for (int l = 0; l < p.taps; ++l)
          windowed += Real(weights[p.window_offset() + f * p.taps + l]) * at(t + p.lags[l], i);
        for (int j = 0; j < n; ++j) b.g[(f * n + i) * n + j] += windowed * b.e[t * n + j];
      }
  if (p.pooling == Pooling::mean)
    for (Real& value : b.g) value /= Real(b.frames);
  for (const Real value : b.g) b.y.push_back(compress(p.compression, value));
  b.out = b.y;
  if (p.unit_norm) {
    Real square = 0;
    for (const Real value : b.y) square += value * value;
    for (Real& value : b.out) value = square > Real(1e-12) ? value / std::sqrt(square) : Real(0);
  }
  return b;
}

/// The pooled bigrams g [F, 12 K, 12 K] of kernels in 12 rotations, summed over these: [F, K, K,
/// 12].
template <class Real>
std::vector<Real> interval_sums(const std::vector<Real>& g, const BigramParams& p) {
  std::vector<Real> sums;
  const int n = p.events;
  for (int f = 0; f < p.windows; ++f)
    for (int k = 0; k < n; k += 12)
      for (int m = 0; m < n; m += 12)
        for (int d = 0; d < 12; ++d) {
          Real sum = 0;
          for (int r = 0; r < 12; ++r) sum += g[(f * n + k + r) * n + m + (r + d) % 12];
          sums.push_back(sum);
        }
  return sums;
}

/// The chain rule through bigram_forward, line by line: adds to gradient [weights]. With given
/// events events_gradient becomes theirs [frames, N].
template <class Real, class Weight>
void bigram_backward(const std::vector<Real>& x, const std::vector<Weight>& weights,
                     const BigramParams& p, const std::vector<float>& out_gradient,
                     std::vector<Real>& gradient, std::vector<Real>* events_gradient = nullptr) {
  const Bigrams<Real> b = bigram_forward(x, weights, p);
  const int n = p.events, width = 12 * p.bands, frames = int(x.size()) / width;
  Real square = 0, along = 0;
  for (int d = 0; d < p.dims(); ++d) {
    square += b.y[d] * b.y[d];
    along += b.y[d] * Real(out_gradient[d]);
  }
  std::vector<Real> dg(p.dims());
  for (int d = 0; d < p.dims(); ++d) {
    Real dy = Real(out_gradient[d]);
    if (p.unit_norm)
      dy = square > Real(1e-12) ? (dy - b.y[d] * along / square) / std::sqrt(square) : Real(0);
    dg[d] = dy * compress_slope(p.compression, b.g[d]);
    if (p.pooling == Pooling::mean) dg[d] /= Real(b.frames);
  }
  std::vector<Real> de(b.e.size(), 0);
  for (int f = 0; f < p.windows; ++f)
    for (int l = 0; l < p.taps; ++l) {
      Real& dw = gradient[p.window_offset() + f * p.taps + l];
      const Real w = Real(weights[p.window_offset() + f * p.taps + l]);
      for (int t = 0; t < b.frames; ++t) {
        const int s = t + p.lags[l];
        if (s < 0 || s >= b.frames) continue;
        for (int i = 0; i < n; ++i)
          for (int j = 0; j < n; ++j) {
            const Real d = dg[(f * n + i) * n + j];
            dw += d * b.e[s * n + i] * b.e[t * n + j];
            de[s * n + i] += d * w * b.e[t * n + j];
            de[t * n + j] += d * w * b.e[s * n + i];
          }
      }
    }
  if (p.given_events) {
    *events_gradient = de;
    return;
  }
  for (int i = 0; i < n; ++i) {
    Real mean = 0;
    if (p.centre_events) {
      for (int t = 0; t < b.frames; ++t) mean += de[t * n + i];
      mean /= Real(b.frames);
    }
    for (int t = 0; t < b.frames; ++t) {
      if (p.activation != Activation::none && b.raw[t * n + i] <= 0) continue;
      const Real d = de[t * n + i] - mean;
      gradient[p.bias_offset() + i] += d;
      for (int q = 0; q < p.event_length; ++q)
        for (int c = 0; c < width; ++c)
          if (t + q < frames)
            gradient[(i * p.event_length + q) * width + c] += d * x[(t + q) * width + c];
    }
  }
}

/// The losses of LossParams, by their definitions.
template <class Real>
Real loss(const std::vector<Real>& z, const std::vector<std::int32_t>& works, int dims,
          Real log_scale, const LossParams& p) {
  const int rows = int(works.size());
  const auto dot = [&](int a, int b) {
    Real sum = 0;
    for (int d = 0; d < dims; ++d) sum += z[a * dims + d] * z[b * dims + d];
    return sum;
  };
  const auto distance = [&](int a, int b) {
    Real sum = 0;
    for (int d = 0; d < dims; ++d)
      sum += (z[a * dims + d] - z[b * dims + d]) * (z[a * dims + d] - z[b * dims + d]);
    return std::sqrt(sum);
  };
  Real total = 0;
  if (p.loss == Loss::nt_xent) {
    const Real scale = std::min(std::exp(log_scale), Real(p.max_inverse_temperature));
    for (int a = 0; a < rows; ++a) {
      const int partner = a % 2 == 0 ? a + 1 : a - 1;
      Real sum = 0;
      for (int b = 0; b < rows; ++b)
        if (b == partner || works[b] != works[a]) sum += std::exp(scale * dot(a, b));
      total += std::log(sum) - scale * dot(a, partner);
    }
    return total / Real(rows);
  }
  if (p.loss == Loss::triplet) {
    for (int a = 0; a < rows; ++a) {
      Real furthest = -1, nearest = std::numeric_limits<Real>::infinity();
      for (int b = 0; b < rows; ++b) {
        if (b == a) continue;
        if (works[b] == works[a]) {
          furthest = std::max(furthest, distance(a, b));
        } else {
          nearest = std::min(nearest, distance(a, b));
        }
      }
      if (furthest >= 0 && std::isfinite(nearest))
        total += std::max(Real(0), Real(p.margin) + furthest - nearest);
    }
    return total / Real(rows);
  }
  for (int a = 0; a < rows; a += 2) {
    const Real d = distance(a, a + 1);
    const Real short_of = std::max(Real(0), Real(p.margin) - d);
    total += works[a] == works[a + 1] ? d * d : Real(p.negative_weight) * short_of * short_of;
  }
  return total / Real(rows / 2);
}

/// The derivatives of `loss`, one pair of rows after another. Where a maximum or a minimum is taken
/// twice, the first row's counts.
template <class Real>
struct LossGradient {
  Real by_log_scale = 0;
  std::vector<Real> by_z;  ///< [rows, dims]
};

template <class Real>
LossGradient<Real> loss_gradient(const std::vector<Real>& z, const std::vector<std::int32_t>& works,
                                 int dims, Real log_scale, const LossParams& p) {
  const int rows = int(works.size());
  LossGradient<Real> gradient{0, std::vector<Real>(z.size(), 0)};
  // d(loss)/d(z_a . z_b), and d(loss)/d|z_a - z_b| over that distance, to the gradient.
  const auto product = [&](int a, int b, Real slope) {
    for (int d = 0; d < dims; ++d) {
      gradient.by_z[a * dims + d] += slope * z[b * dims + d];
      gradient.by_z[b * dims + d] += slope * z[a * dims + d];
    }
  };
  const auto difference = [&](int a, int b, Real slope) {
    for (int d = 0; d < dims; ++d) {
      const Real pull = slope * (z[a * dims + d] - z[b * dims + d]);
      gradient.by_z[a * dims + d] += pull;
      gradient.by_z[b * dims + d] -= pull;
    }
  };
  const auto distance = [&](int a, int b) {
    Real sum = 0;
    for (int d = 0; d < dims; ++d)
      sum += (z[a * dims + d] - z[b * dims + d]) * (z[a * dims + d] - z[b * dims + d]);
    return std::sqrt(sum);
  };
  if (p.loss == Loss::nt_xent) {
    const Real scale = std::min(std::exp(log_scale), Real(p.max_inverse_temperature));
    for (int a = 0; a < rows; ++a) {
      const int partner = a % 2 == 0 ? a + 1 : a - 1;
      std::vector<Real> s(rows, 0), share(rows, 0);
      Real sum = 0;
      for (int b = 0; b < rows; ++b) {
        if (b != partner && works[b] == works[a]) continue;
        for (int d = 0; d < dims; ++d) s[b] += z[a * dims + d] * z[b * dims + d];
        share[b] = std::exp(scale * s[b]);
        sum += share[b];
      }
      for (int b = 0; b < rows; ++b) {
        const Real slope = share[b] / sum - Real(b == partner ? 1 : 0);
        product(a, b, scale * slope / Real(rows));
        if (std::exp(log_scale) < Real(p.max_inverse_temperature))
          gradient.by_log_scale += scale * slope * s[b] / Real(rows);
      }
    }
    return gradient;
  }
  if (p.loss == Loss::triplet) {
    for (int a = 0; a < rows; ++a) {
      int furthest = -1, nearest = -1;
      for (int b = 0; b < rows; ++b) {
        if (b == a) continue;
        int& best = works[b] == works[a] ? furthest : nearest;
        const Real further = best < 0 ? 0 : distance(a, b) - distance(a, best);
        if (best < 0 || (works[b] == works[a] ? further > 0 : further < 0)) best = b;
      }
      if (furthest < 0 || nearest < 0) continue;
      const Real near = distance(a, nearest), far = distance(a, furthest);
      if (Real(p.margin) + far - near <= 0) continue;
      if (far > 0) difference(a, furthest, 1 / (Real(rows) * far));
      if (near > 0) difference(a, nearest, -1 / (Real(rows) * near));
    }
    return gradient;
  }
  for (int a = 0; a < rows; a += 2) {
    const Real d = distance(a, a + 1), pairs = Real(rows / 2);
    if (works[a] == works[a + 1]) {
      difference(a, a + 1, 2 / pairs);
    } else if (d > 0) {
      difference(
          a, a + 1,
          -2 * Real(p.negative_weight) * std::max(Real(0), Real(p.margin) - d) / (d * pairs));
    }
  }
  return gradient;
}

}  // namespace reprise::oracle
