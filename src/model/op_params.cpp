#include "reprise/op_params.h"

#include <algorithm>

#include "model/event_pairs.h"

namespace reprise {

BigramParams bigram_params(const Config& config) {
  BigramParams p;
  p.events = config.num_filters;
  p.event_length = config.event_length;
  p.bands = config.bands;
  p.windows = config.windows;
  p.taps = static_cast<int>(config.lags.size());
  std::copy(config.lags.begin(), config.lags.end(), p.lags);
  p.activation = config.activation;
  p.centre_events = config.centre_events;
  p.pooling = config.pooling;
  // Pairs that are summed or normalised first are compressed after that.
  const bool here = EventPairs::as_they_are(config);
  p.compression = here ? config.compression : Compression::none;
  p.unit_norm = here && config.unit_norm;
  if (config.network()) {
    p.given_events = true;
    p.event_length = 1;
    p.bands = 1;
    p.activation = Activation::none;
  }
  return p;
}

std::vector<EventLayerParams> event_layers(const Config& config) {
  std::vector<EventLayerParams> layers;
  if (!config.network()) return layers;
  EventLayerParams next;
  next.frames = patchwork_params(config).out_frames();
  next.channels = config.width();
  const std::size_t before = config.layer_filters.size();
  for (std::size_t k = 0; k <= before; ++k) {
    next.filters = k < before ? config.layer_filters[k] : config.num_filters;
    next.length = k < before ? config.layer_frames[k] : config.event_length;
    next.pool = config.pools.empty() ? 1 : config.pools[k];
    layers.push_back(next);
    next.frames = next.out_frames();
    next.channels = next.filters;
  }
  next.activation = LayerActivation::tanh;
  next.channels = layers.back().out_values();
  next.frames = next.length = next.pool = 1;
  for (const int units : config.dense) {
    next.filters = units;
    layers.push_back(next);
    next.channels = units;
  }
  return layers;
}

PatchworkParams patchwork_params(const Config& config) {
  return {config.patches, config.patch_frames};
}

AugmentParams augment_params(const Config& config) {
  AugmentParams p;
  p.crop = config.crop;
  p.stretch_low = static_cast<float>(config.stretch_low);
  p.stretch_high = static_cast<float>(config.stretch_high);
  p.drop = static_cast<float>(config.drop);
  p.noise = static_cast<float>(config.noise);
  p.power_low = static_cast<float>(config.power_low);
  p.power_high = static_cast<float>(config.power_high);
  p.power_share = static_cast<float>(config.power_share);
  return p;
}

LossParams loss_params(const Config& config) {
  LossParams p;
  p.loss = config.loss;
  p.margin = static_cast<float>(config.margin);
  p.negative_weight = static_cast<float>(config.negative_weight);
  p.max_inverse_temperature = static_cast<float>(config.max_inverse_temperature);
  return p;
}

AdamParams adam_params(const Config& config) {
  AdamParams p;
  p.beta1 = static_cast<float>(config.beta1);
  p.beta2 = static_cast<float>(config.beta2);
  p.epsilon = static_cast<float>(config.epsilon);
  p.max_grad_norm = static_cast<float>(config.max_grad_norm);
  return p;
}

int training_frames(const Config& config) {
  switch (config.input) {
    case Input::whole:
      return config.crop;
    case Input::patchwork:
      return patchwork_params(config).out_frames();
  }
  return 0;
}

}  // namespace reprise
