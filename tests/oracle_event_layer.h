#pragma once

// Event layers by the definition in params.h, as plain loops.

#include <cmath>
#include <vector>

#include "reprise/params.h"

namespace reprise::oracle {

template <class Real>
struct EventLayer {
  std::vector<Real> responses;  // before h, [frames, filters]
  std::vector<Real> out;        // [out_frames, filters]
  std::vector<int> argmax;      // the first frame of each largest response
};

/// x [frames, channels], one song.
template <class Real, class Weight>
EventLayer<Real> event_layer_forward(const std::vector<Real>& x, const std::vector<Weight>& weights,
                                     const EventLayerParams& p) {
  EventLayer<Real> layer;
  const auto h = [&](Real v) {
    return p.activation == LayerActivation::tanh ? std::tanh(v) : std::max(Real(0), v);
  };
  for (int t = 0; t < p.frames; ++t)
    for (int n = 0; n < p.filters; ++n) {
      Real sum = Real(weights[p.bias_offset() + n]);
      for (int q = 0; q < p.length; ++q)
        for (int c = 0; c < p.channels; ++c) {
          const int from = t + q - (p.length - 1) / 2;
          if (from >= 0 && from < p.frames)
            sum += Real(weights[(n * p.length + q) * p.channels + c]) * x[from * p.channels + c];
        }
      layer.responses.push_back(sum);
    }
  for (int first = 0; first < p.frames; first += p.pool)
    for (int n = 0; n < p.filters; ++n) {
      int winner = first;
      for (int t = first; t < first + p.pool && t < p.frames; ++t)
        if (layer.responses[t * p.filters + n] > layer.responses[winner * p.filters + n])
          winner = t;
      layer.argmax.push_back(winner);
      layer.out.push_back(h(layer.responses[winner * p.filters + n]));
    }
  return layer;
}

/// The chain rule, line by line: adds to gradient [weights] and x_gradient [frames, channels].
template <class Real, class Weight>
void event_layer_backward(const std::vector<Real>& x, const std::vector<Weight>& weights,
                          const EventLayerParams& p, const float* out_gradient,
                          std::vector<Real>& gradient, std::vector<Real>& x_gradient) {
  const EventLayer<Real> layer = event_layer_forward(x, weights, p);
  for (std::size_t at = 0; at < layer.out.size(); ++at) {
    const int n = int(at) % p.filters, t = layer.argmax[at];
    const Real out = layer.out[at];
    const Real slope = p.activation == LayerActivation::tanh ? 1 - out * out : Real(out > 0);
    const Real g = Real(out_gradient[at]) * slope;
    gradient[p.bias_offset() + n] += g;
    for (int q = 0; q < p.length; ++q)
      for (int c = 0; c < p.channels; ++c) {
        const int from = t + q - (p.length - 1) / 2, w = (n * p.length + q) * p.channels + c;
        if (from < 0 || from >= p.frames) continue;
        gradient[w] += g * x[from * p.channels + c];
        x_gradient[from * p.channels + c] += g * Real(weights[w]);
      }
  }
}

}  // namespace reprise::oracle
