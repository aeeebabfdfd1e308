#pragma once

// The tables of cases that tests and benchmarks share.

#include <algorithm>
#include <cmath>

#include <ostream>
#include <string>
#include <vector>

#include "reprise/params.h"
#include "reprise/random.h"

namespace reprise {

struct BigramCase {
  std::string name;
  BigramParams params;
  std::vector<int> frames;  ///< of each excerpt
};

inline BigramParams bigram_case_params(int events, int length, int windows,
                                       const std::vector<int>& lags, bool centre, Pooling pooling,
                                       Compression compression, bool unit,
                                       Activation activation = Activation::relu) {
  BigramParams p;
  p.events = events;
  p.event_length = length;
  p.windows = windows;
  p.taps = static_cast<int>(lags.size());
  for (int l = 0; l < p.taps; ++l) p.lags[l] = lags[l];
  p.activation = activation;
  p.centre_events = centre;
  p.pooling = pooling;
  p.compression = compression;
  p.unit_norm = unit;
  return p;
}

inline std::vector<int> lag_range(int first, int last) {
  std::vector<int> lags;
  for (int lag = first; lag <= last; ++lag) lags.push_back(lag);
  return lags;
}

/// The lags of the default preset.
inline std::vector<int> default_lags() {
  std::vector<int> lags{-32, -26, -21, -17, -14, -12, -10};
  for (const int lag : lag_range(-8, 8)) lags.push_back(lag);
  for (const int lag : {10, 12, 14, 17, 21, 26, 32}) lags.push_back(lag);
  return lags;
}

inline std::vector<BigramCase> bigram_cases() {
  using enum Compression;
  const auto mean = Pooling::mean;
  const auto sum = Pooling::sum;
  const std::vector<int> lengths{1, 2, 31, 32, 33, 130};
  return {
      {"seed2016", bigram_case_params(12, 1, 12, lag_range(-5, 6), false, sum, tanh, false), {512}},
      {"recipe_a",
       bigram_case_params(24, 1, 12, lag_range(-7, 8), true, mean, signed_root, true),
       {256, 64}},
      {"n12_default_lags",
       bigram_case_params(12, 4, 20, default_lags(), true, mean, signed_root, true),
       {256, 33, 5, 3, 1}},
      {"ragged", bigram_case_params(12, 4, 3, lag_range(-2, 2), true, mean, tanh, true), lengths},
      {"one_event", bigram_case_params(1, 1, 1, {0}, false, mean, none, false), lengths},
      {"no_zero_lag", bigram_case_params(5, 3, 2, {-7, 3, 40}, true, mean, none, false), lengths},
      {"long_filter",
       bigram_case_params(7, 16, 2, {-1, 4}, true, mean, signed_root, true),
       {15, 16, 17, 100}},
      {"step",
       bigram_case_params(12, 4, 3, {-2, 0, 1}, true, mean, none, true, Activation::step),
       {130, 33, 3}},
      {"linear",
       bigram_case_params(24, 2, 2, {-1, 0}, true, mean, none, false, Activation::none),
       {130, 33, 1}},
      {"n16", bigram_case_params(16, 2, 4, lag_range(-3, 3), true, mean, signed_root, true), {70}},
      {"n32", bigram_case_params(32, 1, 3, {0, 5}, false, mean, tanh, true), {70}},
      {"n48", bigram_case_params(48, 1, 2, {-1, 0}, true, mean, none, true), {40}},
      {"n64", bigram_case_params(64, 4, 2, lag_range(0, 6), true, mean, signed_root, true), {65}},
  };
}

/// Chroma of several bands.
inline std::vector<BigramCase> banded_cases() {
  using enum Compression;
  const auto mean = Pooling::mean;
  const auto of_bands = [](int bands, BigramParams p) {
    p.bands = bands;
    return p;
  };
  return {
      {"two_bands",
       of_bands(2, bigram_case_params(12, 4, 3, lag_range(-2, 2), true, mean, signed_root, true)),
       {130, 33, 4, 3, 1}},
      {"three_bands",
       of_bands(3, bigram_case_params(24, 4, 20, default_lags(), true, mean, signed_root, true)),
       {256, 40}},
      {"five_bands",
       of_bands(5, bigram_case_params(7, 1, 2, {-7, 0, 3}, false, Pooling::sum, tanh, false)),
       {65, 64}},
      {"eight_bands",
       of_bands(kMaxBands, bigram_case_params(64, 16, 2, {-1, 4}, true, mean, none, true)),
       {15, 70}},
  };
}

/// What a device takes in several parts: songs, groups of lags, filters as large as they may be,
/// and filters of more tiles than a block holds.
inline std::vector<BigramCase> large_cases() {
  using enum Compression;
  const auto mean = Pooling::mean;
  const auto of_bands = [](int bands, BigramParams p) {
    p.bands = bands;
    return p;
  };
  return {
      {"three_parts",
       bigram_case_params(12, 4, 3, lag_range(-3, 3), true, mean, signed_root, true),
       {2100, 1027, 1028}},
      {"far_lags",
       bigram_case_params(6, 2, 2, {-700, -3, 0, 3, 250, 300, 1024}, true, mean, none, false),
       {1100, 90}},
      {"largest_filters",
       bigram_case_params(64, 16, 1, {-130, 0, 5}, true, mean, tanh, false),
       {180}},
      {"most_bands",
       of_bands(kMaxBands, bigram_case_params(12, 3, 2, {-3, 0, 40}, true, mean, tanh, true)),
       {70, 2}},
      {"most_tiles",
       of_bands(2, bigram_case_params(48, 11, 1, {-1, 0}, true, mean, none, true)),
       {75, 12, 3}},
  };
}

/// The default preset, beside the cases that emulated kernels run too.
inline BigramCase default_bigram_case() {
  return {"default",
          bigram_case_params(24, 4, 20, default_lags(), true, Pooling::mean,
                             Compression::signed_root, true),
          {256, 33, 5, 3, 1}};
}

inline std::ostream& operator<<(std::ostream& out, const BigramCase& c) {
  return out << c.name;
}

/// Chroma-like values [frames, 12 * bands]: the largest of each frame and band is 1.
inline std::vector<float> random_chroma(std::int64_t frames, std::uint64_t seed, int bands = 1) {
  Random random(seed);
  std::vector<float> chroma(static_cast<std::size_t>(frames) * bands * kPitchClasses);
  for (std::int64_t t = 0; t < frames * bands; ++t) {
    float* frame = &chroma[t * kPitchClasses];
    for (int c = 0; c < kPitchClasses; ++c) frame[c] = 0.6f * random.uniform();
    frame[random.below(kPitchClasses)] = 1.0f;
  }
  return chroma;
}

inline std::vector<float> random_values(std::int64_t count, float deviation, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = deviation * random.normal();
  return values;
}

/// Weights in the range that training starts from, with biases that leave most events at work.
inline std::vector<float> bigram_case_weights(const BigramParams& p, std::uint64_t seed) {
  std::vector<float> weights = random_values(p.weights(), 0.1f, seed);
  if (!p.given_events)
    for (int i = 0; i < p.events; ++i) weights[p.bias_offset() + i] = 0.1f;
  return weights;
}

/// The excerpts of a case, one after another, each with another roll.
inline std::vector<Excerpt> case_excerpts(const BigramCase& c) {
  std::vector<Excerpt> excerpts;
  std::int64_t first = 0;
  for (const int frames : c.frames) {
    excerpts.push_back({first, frames, static_cast<std::int32_t>(excerpts.size() * 5 % 12)});
    first += frames;
  }
  return excerpts;
}

/// A case's songs with weights, and the gradient of their fingerprints.
struct CaseSongs {
  explicit CaseSongs(const BigramCase& c) : p(c.params), excerpts(case_excerpts(c)) {
    chroma = random_chroma(frames(), 1, p.bands);
    weights = bigram_case_weights(p, 2);
    out_gradient = random_values(count() * p.dims(), 1.0f, 3);
    for (const Excerpt& e : excerpts) longest = std::max<std::int64_t>(longest, e.frames);
  }
  std::int64_t count() const { return static_cast<std::int64_t>(excerpts.size()); }
  std::int64_t frames() const { return excerpts.back().first + excerpts.back().frames; }
  /// The chroma, dense, where a copy of it lies.
  ChromaView view(const void* data, ChromaType type = ChromaType::float32) const {
    return {data, type, frames(), p.bands, p.width()};
  }

  BigramParams p;
  std::vector<Excerpt> excerpts;
  std::vector<float> chroma, weights, out_gradient;
  std::int64_t longest = 0;
};

/// Bigrams of events that are given, `frames` frames a song.
inline std::vector<BigramCase> given_events_cases() {
  using enum Compression;
  const auto given = [](BigramParams p) {
    p.given_events = true;
    return p;
  };
  const auto as_given = Activation::none;
  const auto sum = Pooling::sum;
  return {
      {"seed2016_24_32x8",
       given(bigram_case_params(32, 1, 8, lag_range(-3, 4), false, sum, tanh, false, as_given)),
       {128, 128}},
      {"given_ragged",
       given(bigram_case_params(12, 1, 3, lag_range(-2, 2), false, Pooling::mean, signed_root, true,
                                as_given)),
       {1, 2, 31, 130}},
      {"given_far",
       given(bigram_case_params(5, 1, 2, {-7, 3, 40}, false, sum, tanh, true, as_given)),
       {64, 65}},
      {"given_n64",
       given(bigram_case_params(64, 1, 2, lag_range(0, 6), false, Pooling::mean, tanh, false,
                                as_given)),
       {65, 3}},
  };
}

/// Kernels in 12 rotations, whose bigrams are summed over these.
inline std::vector<BigramCase> interval_cases() {
  const auto none = Compression::none;
  return {
      {"one_kernel",
       bigram_case_params(12, 4, 3, lag_range(-2, 3), true, Pooling::mean, none, false),
       {130, 33, 3, 1}},
      {"two_kernels",
       bigram_case_params(24, 4, 20, default_lags(), true, Pooling::mean, none, false),
       {256, 40}},
      {"three_kernels",
       bigram_case_params(36, 1, 2, {-40, 0, 7}, false, Pooling::sum, none, false),
       {64, 41}},
      {"five_kernels",
       bigram_case_params(60, 2, 2, lag_range(-1, 1), true, Pooling::mean, none, false),
       {70}},
  };
}

/// The same of several bands: a kernel is rotated within each.
inline std::vector<BigramCase> banded_interval_cases() {
  std::vector<BigramCase> cases = interval_cases();
  cases.resize(3);
  for (int i = 0; i < 3; ++i) {
    cases[i].name += "_of_" + std::to_string(i + 2) + "_bands";
    cases[i].params.bands = i + 2;
  }
  return cases;
}

/// What event layers give: zero or more.
inline std::vector<float> case_events(const BigramCase& c) {
  std::int64_t frames = 0;
  for (const int some : c.frames) frames += some;
  std::vector<float> events = random_values(frames * c.params.events, 0.4f, 11);
  for (float& value : events) value = std::max(0.0f, value);
  return events;
}

struct EventLayerCase {
  std::string name;
  EventLayerParams params;
  int songs;
};

inline std::ostream& operator<<(std::ostream& out, const EventLayerCase& c) {
  return out << c.name;
}

/// The layers of the 2016 experiment's networks, and shapes that nothing divides.
inline std::vector<EventLayerCase> event_layer_cases() {
  using enum LayerActivation;
  return {
      {"first_of_2conv", {512, 12, 32, 1, 4, relu}, 2},
      {"second_of_2conv", {128, 32, 64, 2, 16, relu}, 3},
      {"dense_of_2conv", {1, 512, 128, 1, 1, tanh}, 70},
      {"second_of_3conv", {128, 32, 64, 4, 4, relu}, 2},
      {"third_of_3conv", {32, 64, 128, 4, 4, relu}, 2},
      {"second_of_1pool", {512, 32, 64, 16, 64, relu}, 1},
      {"second_of_24_32x8", {128, 24, 32, 2, 1, relu}, 3},
      {"ragged_pool", {37, 5, 7, 3, 8, relu}, 5},
      {"filter_longer_than_song", {3, 2, 3, 16, 2, tanh}, 4},
      {"one_value", {1, 1, 1, 1, 1, relu}, 3},
      {"pool_longer_than_song", {6, 12, 9, 5, 64, relu}, 3},
  };
}

/// Weights in the range that training starts from.
inline std::vector<float> event_layer_case_weights(const EventLayerParams& p) {
  std::vector<float> weights = random_values(p.weights(), 0.1f, 12);
  for (int n = 0; n < p.filters; ++n) weights[p.bias_offset() + n] = 0.1f;
  return weights;
}

/// Input like a layer's output: rectified.
inline std::vector<float> event_layer_case_input(const EventLayerCase& c) {
  std::vector<float> x = random_values(std::int64_t{c.songs} * c.params.in_values(), 1.0f, 13);
  for (float& value : x) value = std::max(0.0f, value);
  return x;
}

struct LossCase {
  std::string name;
  LossParams params;
  std::vector<std::int32_t> labels;
  int dims;
  float log_scale = 1.5f;
};

inline std::ostream& operator<<(std::ostream& out, const LossCase& c) {
  return out << c.name;
}

inline std::vector<LossCase> loss_cases() {
  std::vector<LossCase> cases;
  const std::vector<std::int32_t> pairs{0, 0, 1, 1, 2, 2, 3, 3};
  const std::vector<std::int32_t> repeated{0, 0, 1, 1, 0, 0, 2, 2};  // a work drawn twice
  const std::vector<std::int32_t> mixed{0, 0, 0, 1, 2, 2, 2, 3};     // cover, non-cover, ...
  cases.push_back({"nt_xent", {Loss::nt_xent, 0, 1, 60}, pairs, 10});
  cases.push_back({"nt_xent_repeated_work", {Loss::nt_xent, 0, 1, 60}, repeated, 10});
  cases.push_back({"nt_xent_at_its_limit", {Loss::nt_xent, 0, 1, 2}, pairs, 10});
  cases.push_back({"triplet", {Loss::triplet, 0.3f, 1, 60}, pairs, 10});
  cases.push_back({"contrastive", {Loss::contrastive, 2.0f, 4, 60}, mixed, 10});
  cases.push_back({"contrastive_far", {Loss::contrastive, 0.5f, 4, 60}, mixed, 7});
  std::vector<std::int32_t> many;
  for (int i = 0; i < 192; ++i) many.push_back(i / 2);
  cases.push_back({"nt_xent_192_rows", {Loss::nt_xent, 0, 1, 60}, many, 33, 2.5f});
  return cases;
}

/// The rows of a case, of length 1 as models give them.
inline std::vector<float> loss_case_rows(const LossCase& c) {
  const auto rows = static_cast<std::int64_t>(c.labels.size());
  std::vector<float> z = random_values(rows * c.dims, 1.0f, 5);
  for (std::int64_t r = 0; r < rows; ++r) {
    double square = 0;
    for (int d = 0; d < c.dims; ++d) square += double(z[r * c.dims + d]) * z[r * c.dims + d];
    for (int d = 0; d < c.dims; ++d) z[r * c.dims + d] /= float(std::sqrt(square));
  }
  return z;
}

}  // namespace reprise
