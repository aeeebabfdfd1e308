#include "reprise/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/params.h"

namespace reprise {
namespace {

using Scope = Parameter::Scope;
constexpr double kLarge = 1e9;

// name, field, scope, default, low, high, unit, meaning, former name, optional
constexpr Parameter kParameters[] = {
    {"preset", &Config::preset, Scope::training, "reprise", 0, 0, "",
     "preset the configuration started from"},
    {"input", &Config::input, Scope::model, "whole", 0, 0, "",
     "what the model reads of a song: all of it, or patches spread evenly over it, as in the 2016 "
     "experiment"},
    {"patches", &Config::patches, Scope::model, "8", 1, 1024, "patches",
     "number of patches of a song (input patchwork)"},
    {"patch_frames", &Config::patch_frames, Scope::model, "64", 1, 65536, "frames",
     "length of a patch"},
    {"feature", &Config::feature, Scope::model, "chroma", 0, 0, "",
     "input features: the chroma itself; its melody, the strongest pitch class of each frame; both "
     "as two streams; or its peaks"},
    {"bands", &Config::bands, Scope::model, "1", 1, kMaxBands, "bands",
     "number of chroma bands of the songs, such as one of the bass and one of the rest", "", true},
    {"key_mode", &Config::key_mode, Scope::model, "canonical", 0, 0, "",
     "how transpositions are handled. canonical: songs are stored in the key that best fits a "
     "learned key template; all: songs are stored as they are and queries are tried in twelve "
     "keys; invariant: the fingerprint does not depend on the key (requires pairs intervals)"},
    {"query_keys", &Config::query_keys, Scope::model, "2", 1, 12, "keys",
     "number of keys a query is tried in; 12 with key_mode all, 1 with invariant"},
    {"layer_filters", &Config::layer_filters, Scope::model, "", 1, kMaxLayerFilters, "filters",
     "number of filters of each convolutional layer before the salient-event filters; empty: no "
     "such layers"},
    {"layer_frames", &Config::layer_frames, Scope::model, "", 1, kMaxEventLength, "frames",
     "filter length of each of these layers"},
    {"num_filters", &Config::num_filters, Scope::model, "24", 1, kMaxLayerFilters, "filters",
     "number of salient-event filters (N)", "events"},
    {"event_length", &Config::event_length, Scope::model, "4", 1, kMaxEventLength, "frames",
     "length of a salient-event filter"},
    {"activation", &Config::activation, Scope::model, "relu", 0, 0, "",
     "activation function of the salient-event filters: max(0, v), the unit step, or the identity"},
    {"centre_events", &Config::centre_events, Scope::model, "true", 0, 0, "",
     "subtract each event's mean over the song"},
    {"pools", &Config::pools, Scope::model, "", 1, kMaxPool, "frames",
     "size of the max pooling after each convolution, the salient-event filters last; empty: no "
     "pooling"},
    {"dense", &Config::dense, Scope::model, "", 1, kMaxLayerFilters, "units",
     "number of units of each dense tanh layer, in place of the bigrams; empty: bigrams"},
    {"windows", &Config::windows, Scope::model, "20", 1, kMaxWindows, "windows",
     "number of co-occurrence windows (F)"},
    {"lags", &Config::lags, Scope::model, "-32,-26,-21,-17,-14,-12,-10,-8:8,10,12,14,17,21,26,32",
     -kMaxLag, kMaxLag, "frames",
     "lags at which events co-occur, each with a weight in every window (L); a:b stands for all "
     "lags from a to b"},
    {"pooling", &Config::pooling, Scope::model, "mean", 0, 0, "",
     "pooling of co-occurrences over time"},
    {"normalisation", &Config::normalisation, Scope::model, "none", 0, 0, "",
     "normalisation of co-occurrences M: each row to unit length, or M_ij / sqrt(M_ii M_jj)"},
    {"pairs", &Config::pairs, Scope::model, "all", 0, 0, "",
     "pairs of events (i, j) that are kept: all; upper: i <= j; above: i < j; off-diagonal: "
     "i != j; cross: i in the first half, j in the second; intervals: sums over the pairs that lie "
     "the same interval apart"},
    {"compression", &Config::compression, Scope::model, "signed-root", 0, 0, "",
     "element-wise compression of the bigrams"},
    {"unit_norm", &Config::unit_norm, Scope::model, "true", 0, 0, "",
     "scale the bigrams to unit length"},
    {"projection", &Config::projection, Scope::model, "256", 0, 4096, "dimensions",
     "size of the fingerprint after the learned linear projection; 0: no projection"},
    {"projection_pca", &Config::projection_pca, Scope::model, "320", 0, 4096, "dimensions",
     "number of principal components that are kept for within-class covariance normalisation; 0: "
     "PCA alone"},
    {"projection_shrinkage", &Config::projection_shrinkage, Scope::model, "0.5", 0, 100, "",
     "shrinkage of the within-class covariance: multiple of its mean variance that is added to its "
     "diagonal"},

    {"loss", &Config::loss, Scope::training, "nt-xent", 0, 0, "", "training loss"},
    {"margin", &Config::margin, Scope::training, "0.3", 0, 1000, "",
     "margin of the triplet and contrastive losses"},
    {"negative_weight", &Config::negative_weight, Scope::training, "4", 0, 1000, "",
     "weight of non-cover pairs in the contrastive loss", "alpha"},
    {"inverse_temperature", &Config::inverse_temperature, Scope::training, "12", 0.01, 1000, "",
     "initial inverse temperature of the NT-Xent loss, learned in training", "scale"},
    {"max_inverse_temperature", &Config::max_inverse_temperature, Scope::training, "60", 0.01, 1000,
     "", "upper limit of the inverse temperature", "scale_max"},
    {"sampling", &Config::sampling, Scope::training, "works", 0, 0, "",
     "what a batch holds: works with two songs each, or cover and non-cover pairs in turn"},
    {"works_per_batch", &Config::works_per_batch, Scope::training, "96", 2, 4096, "works",
     "number of works in a batch (sampling works)"},
    {"distractors", &Config::distractors, Scope::training, "0.85", 0, 1, "",
     "proportion of a batch's works that have one version only"},
    {"random_keys", &Config::random_keys, Scope::training, "0", 0, 1, "",
     "proportion of pairs that are transposed to a random key (key_mode canonical)"},
    {"tie_rotations", &Config::tie_rotations, Scope::training, "false", 0, 0, "",
     "share weights between twelve filters at a time: one kernel in its 12 transpositions"},
    {"pairs_per_batch", &Config::pairs_per_batch, Scope::training, "100", 2, 4096, "pairs",
     "number of pairs in a batch (sampling pairs)"},
    {"crop", &Config::crop, Scope::training, "256", 8, 65536, "frames",
     "length to which training excerpts are randomly cropped"},
    {"stretch_low", &Config::stretch_low, Scope::training, "0.75", 0.1, 10, "",
     "smallest factor of random time stretching (2 doubles the duration)"},
    {"stretch_high", &Config::stretch_high, Scope::training, "1.35", 0.1, 10, "",
     "largest factor of random time stretching"},
    {"drop", &Config::drop, Scope::training, "0.05", 0, 0.9, "",
     "largest proportion of an excerpt's frames that are dropped at random"},
    {"noise", &Config::noise, Scope::training, "0.05", 0, 1, "",
     "largest standard deviation of the Gaussian noise added to chroma values"},
    {"power_low", &Config::power_low, Scope::training, "0.6", 0.05, 20, "",
     "smallest random exponent of chroma values"},
    {"power_high", &Config::power_high, Scope::training, "1.6", 0.05, 20, "",
     "largest random exponent of chroma values"},
    {"power_share", &Config::power_share, Scope::training, "0.5", 0, 1, "",
     "proportion of excerpts whose values are raised to a random exponent"},
    {"event_init_stddev", &Config::event_init_stddev, Scope::training, "0.0505", 0, 10, "",
     "standard deviation of the initial filter weights", "event_deviation"},
    {"event_init_bias", &Config::event_init_bias, Scope::training, "0.1", -10, 10, "",
     "initial filter bias", "event_bias"},
    {"window_init_stddev", &Config::window_init_stddev, Scope::training, "0.1", 0, 10, "",
     "standard deviation of the initial window weights", "window_deviation"},
    {"truncate_init", &Config::truncate_init, Scope::training, "false", 0, 0, "",
     "draw initial weights from a normal distribution truncated at two standard deviations"},
    {"steps", &Config::steps, Scope::training, "1000", 1, kLarge, "steps",
     "number of training steps"},
    {"learning_rate", &Config::learning_rate, Scope::training, "0.003", 0, 10, "",
     "learning rate of Adam after the warm-up", "rate"},
    {"schedule", &Config::schedule, Scope::training, "cosine", 0, 0, "",
     "learning-rate schedule after the warm-up: half a cosine down to zero, or constant"},
    {"warm_up", &Config::warm_up, Scope::training, "0.03", 0, 1, "",
     "proportion of the steps over which the learning rate rises linearly"},
    {"beta1", &Config::beta1, Scope::training, "0.9", 0, 0.999999, "",
     "decay rate of Adam's first moment"},
    {"beta2", &Config::beta2, Scope::training, "0.999", 0, 0.999999, "",
     "decay rate of Adam's second moment"},
    {"epsilon", &Config::epsilon, Scope::training, "1e-8", 1e-12, 1, "",
     "term added to Adam's denominator"},
    {"max_grad_norm", &Config::max_grad_norm, Scope::training, "5", 0, kLarge, "",
     "norm to which larger gradients are clipped; 0: no clipping", "clip"},
    {"validate_every", &Config::validate_every, Scope::training, "250", 1, kLarge, "steps",
     "number of steps between validations"},
    {"seed", &Config::seed, Scope::training, "0", 0, 9.0e15, "", "random seed"},
};

bool boolean(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  throw SettingsError(fmt::format("{}: expected true or false, found {}", name, quote(text)));
}

// "-2:3,8" is -2, -1, 0, 1, 2, 3, 8.
std::vector<int> list(std::string_view name, std::string_view text) {
  std::vector<int> values;
  if (text.empty()) return values;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t colon = item.find(':');
    const int first = parse_number<int>(name, item.substr(0, colon));
    const int last =
        colon == std::string_view::npos ? first : parse_number<int>(name, item.substr(colon + 1));
    if (last < first || std::int64_t{last} - first > 2 * kMaxLag)
      throw SettingsError(fmt::format("{}: {} is not a run of numbers", name, quote(item)));
    for (int value = first; value <= last; ++value) values.push_back(value);
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

struct Preset {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string_view>> values;  // beside the table's
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all{
      {"reprise", {}},
      {"recipe-a",
       {{"key_mode", "all"},
        {"query_keys", "12"},
        {"num_filters", "24"},
        {"event_length", "1"},
        {"windows", "12"},
        {"lags", "-7:8"},
        {"event_init_stddev", "0.1"},
        {"projection_pca", "0"},
        {"works_per_batch", "48"},
        {"distractors", "0.5"},
        {"steps", "2000"}}},
      {"plain",
       {{"key_mode", "all"},
        {"query_keys", "12"},
        {"num_filters", "12"},
        {"event_length", "1"},
        {"activation", "none"},
        {"centre_events", "false"},
        {"windows", "1"},
        {"lags", "0"},
        {"compression", "none"},
        {"projection", "0"}}},
      // Everything as in the 2016 experiment.
      {"seed2016",
       {{"input", "patchwork"},
        {"key_mode", "all"},
        {"query_keys", "12"},
        {"num_filters", "12"},
        {"event_length", "1"},
        {"centre_events", "false"},
        {"windows", "12"},
        {"lags", "-5:6"},
        {"pooling", "sum"},
        {"compression", "tanh"},
        {"unit_norm", "false"},
        {"projection", "0"},
        {"loss", "contrastive"},
        {"margin", "10"},
        {"sampling", "pairs"},
        {"event_init_stddev", "0.1"},
        {"truncate_init", "true"},
        {"steps", "3200"},
        {"learning_rate", "0.0003"},
        {"schedule", "constant"},
        {"warm_up", "0"},
        {"max_grad_norm", "0"}}},
  };
  return all;
}

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

nlohmann::json json_of(const Config& config, const Parameter& p) {
  return std::visit(
      Overload{[&]<Choice E>(E Config::*f) { return nlohmann::json(name_of(config.*f)); },
               [&](auto f) { return nlohmann::json(config.*f); }},
      p.field);
}

void check_range(const Parameter& p, double value) {
  if (!(value >= p.low && value <= p.high))
    throw SettingsError(
        fmt::format("{}: expected {:g} to {:g}, found {:g}", p.name, p.low, p.high, value));
}

template <Choice E>
std::vector<std::string_view> names_of() {
  std::vector<std::string_view> names;
  for (const Named<E>& choice : Choices<E>::all) names.push_back(choice.name);
  return names;
}

[[noreturn]] void refuse(std::string_view key, const std::vector<std::string_view>& choices,
                         std::string_view value) {
  throw SettingsError(
      fmt::format("{}: expected one of {}, found {}", key, fmt::join(choices, "|"), quote(value)));
}

template <Choice E>
E choice(std::string_view key, std::string_view value) {
  for (const Named<E>& choice : Choices<E>::all)
    if (choice.name == value) return choice.value;
  refuse(key, names_of<E>(), value);
}

}  // namespace

std::span<const Parameter> parameters() {
  return kParameters;
}

const Parameter& parameter(std::string_view name) {
  for (const Parameter& p : kParameters)
    if (p.name == name || (!p.former.empty() && p.former == name)) return p;
  throw SettingsError(fmt::format("unknown parameter {}", quote(name)));
}

std::vector<std::string_view> Parameter::choices() const {
  using Names = std::vector<std::string_view>;
  return std::visit(
      Overload{[]<Choice E>(E Config::*) { return names_of<E>(); },
               [](std::string Config::*) { return preset_names(); }, [](auto) { return Names{}; }},
      field);
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

Config Config::of_preset(std::string_view name) {
  for (const Preset& preset : presets()) {
    if (preset.name != name) continue;
    Config config{};
    for (const Parameter& p : kParameters) config.set(p.name, p.initial);
    for (const auto& [key, value] : preset.values) config.set(key, value);
    config.preset = name;
    return config;
  }
  throw SettingsError(fmt::format("unknown preset {}: expected one of {}", quote(name),
                                  fmt::join(preset_names(), ", ")));
}

void Config::set(std::string_view key, std::string_view value) {
  const Parameter& p = parameter(key);
  std::visit(
      Overload{[&](int Config::*f) { this->*f = parse_number<int>(key, value); },
               [&](std::int64_t Config::*f) { this->*f = parse_number<std::int64_t>(key, value); },
               [&](double Config::*f) { this->*f = parse_number<double>(key, value); },
               [&](bool Config::*f) { this->*f = boolean(key, value); },
               [&](std::string Config::*f) { this->*f = std::string(value); },
               [&](std::vector<int> Config::*f) { this->*f = list(key, value); },
               [&]<Choice E>(E Config::*f) { this->*f = choice<E>(key, value); }},
      p.field);
}

std::string Config::get(std::string_view key) const {
  const Parameter& p = parameter(key);
  return std::visit(Overload{[&](std::string Config::*f) { return this->*f; },
                             [&]<Choice E>(E Config::*f) { return std::string(name_of(this->*f)); },
                             [&](std::vector<int> Config::*f) {
                               return fmt::format("{}", fmt::join(this->*f, ","));
                             },
                             [&](auto f) { return fmt::format("{}", this->*f); }},
                    p.field);
}

int Config::bigrams() const {
  if (!dense.empty()) return dense.back();
  const int n = num_filters, kernels = n / kPitchClasses;
  int kept = 0;
  switch (pairs) {
    case KeptPairs::all:
      kept = n * n;
      break;
    case KeptPairs::upper:
      kept = n * (n + 1) / 2;
      break;
    case KeptPairs::above:
      kept = n * (n - 1) / 2;
      break;
    case KeptPairs::off_diagonal:
      kept = n * (n - 1);
      break;
    case KeptPairs::cross:
      kept = n * n / 4;
      break;
    case KeptPairs::intervals:
      kept = kernels * kernels * kPitchClasses;
      break;
  }
  return windows * kept;
}

namespace {

// The rules of event networks.
void validate_network(const Config& c) {
  if (c.layer_frames.size() != c.layer_filters.size())
    throw SettingsError(
        fmt::format("layer_frames: expected as many as layer_filters ({}), found {}",
                    c.layer_filters.size(), c.layer_frames.size()));
  if (!c.pools.empty() && c.pools.size() != c.layer_filters.size() + 1)
    throw SettingsError(fmt::format("pools: expected one for each of {} convolutions, found {}",
                                    c.layer_filters.size() + 1, c.pools.size()));
  if (c.dense.empty() && c.num_filters > kMaxEvents)
    throw SettingsError(fmt::format("num_filters: expected 1 to {} without dense, found {}",
                                    kMaxEvents, c.num_filters));
  if (!c.network()) return;
  const auto expect = [&](std::string_view key, bool held, std::string_view value) {
    if (!held)
      throw SettingsError(fmt::format(
          "{}: expected {} with layer_filters, pools or dense, found {}", key, value, c.get(key)));
  };
  expect("input", c.input == Input::patchwork, "patchwork");
  expect("activation", c.activation == Activation::relu, "relu");
  expect("centre_events", !c.centre_events, "false");
  expect("pairs", c.pairs == KeptPairs::all, "all");
  expect("normalisation", c.normalisation == Normalisation::none, "none");
  expect("tie_rotations", !c.tie_rotations, "false");
  // Counted here, before there are back ends to ask: what a song and a layer come to.
  std::int64_t frames = std::int64_t{c.patches} * c.patch_frames, channels = c.width();
  const auto add_layer = [&](std::int64_t filters, std::int64_t terms) {
    if (frames * std::max(channels, filters) > kMaxLayerValues || filters * terms > kMaxLayerValues)
      throw SettingsError(
          fmt::format("layers: expected at most {} values of a song and weights of a "
                      "layer, found {} frames of {} values to {} filters",
                      kMaxLayerValues, frames, channels, filters));
    channels = filters;
  };
  for (std::size_t k = 0; k <= c.layer_filters.size(); ++k) {
    const bool last = k == c.layer_filters.size();
    add_layer(last ? c.num_filters : c.layer_filters[k],
              channels * (last ? c.event_length : c.layer_frames[k]));
    if (!c.pools.empty()) frames = (frames + c.pools[k] - 1) / c.pools[k];
  }
  if (c.dense.empty()) return;
  channels *= std::exchange(frames, 1);
  for (const int units : c.dense) add_layer(units, channels);
  expect("compression", c.compression == Compression::tanh, "tanh");
  expect("unit_norm", !c.unit_norm, "false");
}

}  // namespace

void Config::validate() const {
  for (const Parameter& p : kParameters) {
    std::visit(Overload{[&](std::string Config::*f) {
                          const std::vector<std::string_view> names = p.choices();
                          if (std::find(names.begin(), names.end(), this->*f) == names.end())
                            refuse(p.name, names, this->*f);
                        },
                        [&]<Choice E>(E Config::*) {}, [&](bool Config::*) {},
                        [&](std::vector<int> Config::*f) {
                          for (int value : this->*f) check_range(p, value);
                        },
                        [&](auto f) { check_range(p, static_cast<double>(this->*f)); }},
               p.field);
  }
  validate_network(*this);
  if (bands > 1 && feature != Feature::chroma)
    throw SettingsError(
        fmt::format("feature: expected chroma with {} bands, found {}", bands, name_of(feature)));
  if (lags.empty() || lags.size() > kMaxTaps)
    throw SettingsError(
        fmt::format("lags: expected 1 to {} lags, found {}", kMaxTaps, lags.size()));
  if (std::set<int>(lags.begin(), lags.end()).size() != lags.size())
    throw SettingsError("lags: expected different lags, found one twice");
  if (key_mode == KeyMode::all && query_keys != 12)
    throw SettingsError(
        fmt::format("query_keys: expected 12 with key_mode all, found {}", query_keys));
  if (key_mode == KeyMode::invariant && query_keys != 1)
    throw SettingsError(
        fmt::format("query_keys: expected 1 with key_mode invariant, found {}", query_keys));
  if ((key_mode == KeyMode::invariant) != (pairs == KeptPairs::intervals))
    throw SettingsError("pairs: expected intervals with key_mode invariant, and only there");
  if (pairs == KeptPairs::intervals && num_filters % kPitchClasses != 0)
    throw SettingsError(fmt::format(
        "num_filters: expected a multiple of 12 with pairs intervals, found {}", num_filters));
  if (pairs == KeptPairs::intervals && !tie_rotations)
    throw SettingsError("tie_rotations: expected true with pairs intervals");
  if (tie_rotations && num_filters % kPitchClasses != 0)
    throw SettingsError(fmt::format(
        "num_filters: expected a multiple of 12 with tie_rotations, found {}", num_filters));
  if ((pairs == KeptPairs::cross && num_filters % 2 != 0) || bigrams() < 1)
    throw SettingsError(
        fmt::format("pairs: {} needs an even num_filters, at least 2", name_of(pairs)));
  if (random_keys > 0 && key_mode != KeyMode::canonical)
    throw SettingsError(fmt::format("random_keys: expected 0 with key_mode {}", name_of(key_mode)));
  if (stretch_low > stretch_high) throw SettingsError("stretch_low: expected at most stretch_high");
  if (power_low > power_high) throw SettingsError("power_low: expected at most power_high");
  if (projection > bigrams())
    throw SettingsError(fmt::format("projection: expected at most the {} bigrams, found {}",
                                    bigrams(), projection));
  if (projection_pca != 0 && projection_pca < projection)
    throw SettingsError(
        fmt::format("projection_pca: expected 0 or at least projection ({}), found {}", projection,
                    projection_pca));
  if (loss == Loss::nt_xent && sampling == Sampling::pairs)
    throw SettingsError(
        "sampling: expected works with loss nt-xent, found pairs: every song of a batch needs a "
        "version");
  if (loss != Loss::contrastive && !unit_norm)
    throw SettingsError(fmt::format("unit_norm: expected true with loss {}", name_of(loss)));
}

Config Config::from_json(std::string_view text, const std::string& where) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (!json.is_object()) throw InputError("expected a JSON object");
    Config config = of_preset(json.value("preset", "reprise"));
    for (const auto& [key, value] : json.items()) {
      const Parameter& p = parameter(key);
      if (key == p.former && json.contains(p.name))
        throw InputError(fmt::format("expected {} or its former name {}, found both", p.name, key));
      std::visit(
          Overload{
              [&](int Config::*f) {
                const auto number = value.get<std::int64_t>();
                check_range(p, static_cast<double>(number));
                config.*f = static_cast<int>(number);
              },
              [&](std::vector<int> Config::*f) { config.*f = value.get<std::vector<int>>(); },
              [&]<Choice E>(E Config::*f) { config.*f = choice<E>(key, value.get<std::string>()); },
              [&](auto f) { value.get_to(config.*f); }},
          p.field);
    }
    config.validate();
    return config;
  } catch (const nlohmann::json::exception& error) {
    throw InputError(
        fmt::format("{}: the configuration is not valid JSON: {}", where, error.what()));
  } catch (const Error& error) {
    throw InputError(fmt::format("{}: configuration: {}", where, error.what()));
  }
}

std::string Config::to_json() const {
  nlohmann::ordered_json json;
  for (const Parameter& p : kParameters)
    if (!p.optional || get(p.name) != p.initial) json[std::string(p.name)] = json_of(*this, p);
  return json.dump();
}

std::string Config::hash() const {
  // FNV-1a, 64 bits: names a configuration, no defence against malice.
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const Parameter& p : kParameters) {
    // An empty list decides nothing: what was named before there was such a list keeps its name.
    const std::string value = get(p.name);
    if (p.scope != Scope::model || value.empty() || (p.optional && value == p.initial)) continue;
    const std::string_view name = p.former.empty() ? p.name : p.former;
    for (const unsigned char c : fmt::format("{}={};", name, value))
      hash = (hash ^ c) * 0x100000001b3u;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace reprise
