#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "../op_cases.h"
#include "../oracle.h"
#include "../tolerance.h"

namespace reprise::emulation {

template <typename Real>
std::vector<Real> case_chroma(const CaseSongs& songs, const Excerpt& excerpt) {
  return oracle::excerpt_chroma<Real>(songs.view(songs.chroma.data()), excerpt);
}

/// Fingerprints of a case by the definition, [songs, dims].
template <typename Real>
std::vector<Real> definition(const CaseSongs& songs) {
  std::vector<Real> out;
  for (const Excerpt& e : songs.excerpts) {
    const auto b = oracle::bigram_forward(case_chroma<Real>(songs, e), songs.weights, songs.p);
    out.insert(out.end(), b.out.begin(), b.out.end());
  }
  return out;
}

/// The gradient of the weights by the chain rule through the definition, [weights].
template <typename Real>
std::vector<Real> chain_rule(const CaseSongs& songs) {
  std::vector<Real> gradient(songs.p.weights(), 0);
  const auto dims = songs.p.dims();
  for (std::int64_t i = 0; i < songs.count(); ++i) {
    const auto first = songs.out_gradient.begin() + i * dims;
    oracle::bigram_backward(case_chroma<Real>(songs, songs.excerpts[i]), songs.weights, songs.p,
                            std::vector<float>(first, first + dims), gradient);
  }
  return gradient;
}

struct Loops {
  std::vector<float> out, gradient;
};

/// Which products round their operands: those over time, or the convolution's as well.
enum class Rounded { products, convolution_too };

/// Forward and backward of one song as plain loops in float that sum the products at each lag
/// before the windows mix them, as the device does: the yardstick for that order of sums. Operands
/// of products are passed through `round`. Appends to all.out, adds to all.gradient.
template <typename Round>
void by_lags(const CaseSongs& songs, const Excerpt& excerpt, const float* dout, Round round,
             Rounded rounded, Loops& all) {
  const BigramParams& p = songs.p;
  const int n = p.events, pairs = n * n;
  auto x = case_chroma<float>(songs, excerpt);
  std::vector<float> weights = songs.weights;
  if (rounded == Rounded::convolution_too) {
    std::transform(x.begin(), x.end(), x.begin(), round);
    std::transform(weights.begin(), weights.begin() + p.event_weights(), weights.begin(), round);
  }
  auto b = oracle::bigram_forward(x, weights, p);
  for (float& e : b.e) e = round(e);
  const float* window = &weights[p.window_offset()];
  const auto for_each_product = [&](int l, auto use) {  // use(s, t, ij) for all terms of C
    for (int t = 0; t < b.frames; ++t) {
      const int s = t + p.lags[l];
      if (s < 0 || s >= b.frames) continue;
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) use(s * n + i, t * n + j, i * n + j);
      }
    }
  };
  std::vector<float> c(p.taps * pairs), g(p.dims()), y(p.dims()), dg(p.dims());
  for (int l = 0; l < p.taps; ++l) {
    for_each_product(l, [&](int s, int t, int ij) { c[l * pairs + ij] += b.e[s] * b.e[t]; });
  }
  const float pool = p.pooling == Pooling::mean ? static_cast<float>(b.frames) : 1.f;
  float square = 0, along = 0;
  for (int d = 0; d < p.dims(); ++d) {
    for (int l = 0; l < p.taps; ++l) {
      g[d] += window[d / pairs * p.taps + l] * c[l * pairs + d % pairs];
    }
    g[d] /= pool;
    y[d] = oracle::compress(p.compression, g[d]);
    square += y[d] * y[d];
    along += y[d] * dout[d];
  }
  const bool vanishes = p.unit_norm && square <= 1e-12f;
  const float length = p.unit_norm ? std::sqrt(square) : 1.f;
  for (int d = 0; d < p.dims(); ++d) {
    all.out.push_back(vanishes ? 0.f : y[d] / length);
    const float dy = p.unit_norm ? (dout[d] - y[d] * along / square) / length : dout[d];
    dg[d] = vanishes ? 0.f : dy * oracle::compress_slope(p.compression, g[d]) / pool;
  }
  std::vector<float> dc(c.size());
  for (int d = 0; d < p.dims(); ++d) {
    for (int l = 0; l < p.taps; ++l) {
      const int tap = d / pairs * p.taps + l, at = l * pairs + d % pairs;
      dc[at] += window[tap] * dg[d];
      all.gradient[p.window_offset() + tap] += dg[d] * c[at];
    }
  }
  std::vector<float> de(b.e.size());
  for (int l = 0; l < p.taps; ++l) {
    // C_-k is the transpose of C_k: two opposite lags are one matrix, rounded once.
    const int* opposite = std::find(p.lags, p.lags + p.taps, -p.lags[l]);
    const bool paired = p.lags[l] != 0 && opposite != p.lags + p.taps;
    if (paired && p.lags[l] < 0) continue;
    std::vector<float> matrix(pairs);
    for (int ij = 0; ij < pairs; ++ij) {
      const int ji = ij % n * n + ij / n;
      const float other = paired ? dc[(opposite - p.lags) * pairs + ji] : 0.f;
      matrix[ij] = round(dc[l * pairs + ij] + other);
    }
    for_each_product(l, [&](int s, int t, int ij) {
      de[s] += matrix[ij] * b.e[t];
      de[t] += matrix[ij] * b.e[s];
    });
  }
  for (int i = 0; i < n; ++i) {
    float mean = 0;
    for (int t = 0; t < b.frames; ++t) mean += de[t * n + i] / static_cast<float>(b.frames);
    for (int t = 0; t < b.frames; ++t) {
      if (p.activation != Activation::none && b.raw[t * n + i] <= 0) continue;
      const float d = de[t * n + i], off = p.centre_events ? mean : 0.f;
      // The fused kernels take the mean off afterwards.
      const float operand = rounded == Rounded::convolution_too ? round(d - off) : round(d) - off;
      all.gradient[p.bias_offset() + i] += d - off;
      for (int q = 0; q < p.filter_values(); ++q) {
        const std::size_t at = t * p.width() + q;
        if (at < x.size()) all.gradient[i * p.filter_values() + q] += operand * round(x[at]);
      }
    }
  }
}

template <typename Round>
Loops by_lags(const CaseSongs& songs, Round round, Rounded rounded) {
  Loops all{{}, std::vector<float>(songs.p.weights())};
  for (std::int64_t i = 0; i < songs.count(); ++i) {
    by_lags(songs, songs.excerpts[i], &songs.out_gradient[i * songs.p.dims()], round, rounded, all);
  }
  return all;
}

/// Filters, biases and windows are of different sizes: each is held to its own scale.
inline void expect_close_gradients(const BigramParams& p, std::span<const float> result,
                                   std::span<const double> truth, std::span<const float> plain,
                                   const std::string& what) {
  const int ends[] = {0, p.bias_offset(), p.window_offset(), p.weights()};
  const char* names[] = {", filters", ", biases", ", windows"};
  for (int part = 0; part < 3; ++part) {
    const auto of = [&](auto all) { return all.subspan(ends[part], ends[part + 1] - ends[part]); };
    expect_close(of(result), of(truth), of(plain), what + names[part]);
  }
}

}  // namespace reprise::emulation
