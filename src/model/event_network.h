#pragma once

#include <cstdint>
#include <vector>

#include "reprise/backend.h"
#include "reprise/config.h"

namespace reprise {

/// The event layers of a configuration on the patchworks x [count, patches * patch_frames, 12] of a
/// batch, and what they keep between a forward and its backward. What comes out, `out`, is events
/// for the bigrams [count, frames(), N], or behind dense layers the fingerprint itself.
class EventNetwork {
 public:
  /// For batches of at most `rows` songs; `learning`: a backward will follow.
  EventNetwork(Backend& backend, const Config& config, std::int64_t rows, bool learning);

  int frames() const { return layers_.back().params.out_frames(); }
  int out_values() const { return layers_.back().params.out_values(); }
  /// How many learned values it has: the first ones of the configuration's.
  std::int64_t weights() const;

  void forward(const float* x, std::int64_t count, const float* weights, float* out);
  /// gradient [weights()], for the arguments of the last forward and what it wrote.
  void backward(const float* x, std::int64_t count, const float* weights, const float* out,
                const float* out_gradient, float* gradient);

 private:
  struct Layer {
    EventLayerParams params;
    std::int64_t first_weight;
    Buffer<std::int32_t> argmax;
    Buffer<float> out, out_gradient;  // empty of the last layer, whose are the caller's
  };
  Backend& backend_;
  std::vector<Layer> layers_;
};

}  // namespace reprise
