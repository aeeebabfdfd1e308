#include "model/event_network.h"

#include "reprise/op_params.h"

namespace reprise {

EventNetwork::EventNetwork(Backend& backend, const Config& config, std::int64_t rows, bool learning)
    : backend_(backend) {
  const std::vector<EventLayerParams> params = event_layers(config);
  std::int64_t first = 0;
  for (const EventLayerParams& p : params) {
    const bool last = layers_.size() + 1 == params.size();
    const std::int64_t values = rows * p.out_values();
    layers_.push_back({p, first, Buffer<std::int32_t>(backend, learning ? values : 0),
                       Buffer<float>(backend, last ? 0 : values),
                       Buffer<float>(backend, learning && !last ? values : 0)});
    first += p.weights();
  }
}

std::int64_t EventNetwork::weights() const {
  return layers_.back().first_weight + layers_.back().params.weights();
}

void EventNetwork::forward(const float* x, std::int64_t count, const float* weights, float* out) {
  for (Layer& layer : layers_) {
    float* to = &layer == &layers_.back() ? out : layer.out.data();
    std::int32_t* argmax = layer.argmax.size() > 0 ? layer.argmax.data() : nullptr;
    backend_.run(ops::EventLayerForward{.x = x,
                                        .count = count,
                                        .weights = weights + layer.first_weight,
                                        .params = layer.params,
                                        .out = to,
                                        .argmax = argmax});
    x = to;
  }
}

void EventNetwork::backward(const float* x, std::int64_t count, const float* weights,
                            const float* out, const float* out_gradient, float* gradient) {
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Layer& layer = layers_[i];
    float* before = i > 0 ? layers_[i - 1].out_gradient.data() : nullptr;
    backend_.run(ops::EventLayerBackward{.x = i > 0 ? layers_[i - 1].out.data() : x,
                                         .count = count,
                                         .weights = weights + layer.first_weight,
                                         .params = layer.params,
                                         .out = out,
                                         .argmax = layer.argmax.data(),
                                         .out_gradient = out_gradient,
                                         .gradient = gradient + layer.first_weight,
                                         .x_gradient = before});
    out_gradient = before;
    out = i > 0 ? layers_[i - 1].out.data() : nullptr;
  }
}

}  // namespace reprise
