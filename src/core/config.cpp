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

// name, field, scope, default, low, high, choices, unit, meaning
constexpr Parameter kParameters[] = {
    {"preset", &Config::preset, Scope::training, "reprise", 0, 0, "reprise|recipe-a|seed2016|plain",
     "", "the preset these values started from"},
    {"input", &Config::input, Scope::model, "whole", 0, 0, "whole|patchwork", "",
     "the whole song, or the 2016 experiment's patchwork of fixed length"},
    {"patches", &Config::patches, Scope::model, "8", 1, 1024, "", "", "patches of a patchwork"},
    {"patch_frames", &Config::patch_frames, Scope::model, "64", 1, 65536, "", "frames",
     "length of a patch"},
    {"feature", &Config::feature, Scope::model, "chroma", 0, 0, "chroma|melody|melody+chroma|peaks",
     "", "chroma as it is, the strongest pitch class of each frame, both as two streams, or peaks"},
    {"bands", &Config::bands, Scope::model, "1", 1, kMaxBands, "", "bands",
     "bands of chroma in the songs, such as one of the bass and one of the rest", true},
    {"key_mode", &Config::key_mode, Scope::model, "canonical", 0, 0, "canonical|all|invariant", "",
     "canonical: songs are stored in the key that best fits the key template; all: as they are, "
     "and queries are tried in twelve keys; invariant: alike in all keys (pairs intervals)"},
    {"query_keys", &Config::query_keys, Scope::model, "2", 1, 12, "", "keys",
     "keys a query is tried in; 12 with key_mode all, 1 with invariant"},
    {"layer_filters", &Config::layer_filters, Scope::model, "", 1, kMaxLayerFilters, "", "filters",
     "filters of each convolution before the salient-event filters; none by default"},
    {"layer_frames", &Config::layer_frames, Scope::model, "", 1, kMaxEventLength, "", "frames",
     "frames that the filters of each of these convolutions span"},
    {"events", &Config::events, Scope::model, "24", 1, kMaxLayerFilters, "", "filters",
     "salient-event filters (N)"},
    {"event_length", &Config::event_length, Scope::model, "4", 1, kMaxEventLength, "", "frames",
     "frames an event filter spans"},
    {"activation", &Config::activation, Scope::model, "relu", 0, 0, "relu|step|none", "",
     "what becomes of a filter's response: max(0, v), 1 where it is above 0, or itself"},
    {"centre_events", &Config::centre_events, Scope::model, "true", 0, 0, "", "",
     "subtract each song's mean event over time"},
    {"pools", &Config::pools, Scope::model, "", 1, kMaxPool, "", "frames",
     "frames of which the largest response is kept, after each convolution, the event filters "
     "last"},
    {"dense", &Config::dense, Scope::model, "", 1, kMaxLayerFilters, "", "units",
     "units of each dense tanh layer that takes the place of bigrams; none by default"},
    {"windows", &Config::windows, Scope::model, "20", 1, kMaxWindows, "", "windows",
     "co-occurrence windows (F)"},
    {"lags", &Config::lags, Scope::model, "-32,-26,-21,-17,-14,-12,-10,-8:8,10,12,14,17,21,26,32",
     -kMaxLag, kMaxLag, "", "frames", "signed lags that the windows weigh (L); a:b is a run"},
    {"pooling", &Config::pooling, Scope::model, "mean", 0, 0, "mean|sum", "",
     "bigrams are means or sums over time"},
    {"normalisation", &Config::normalisation, Scope::model, "none", 0, 0, "none|rows|correlation",
     "", "each row of co-occurrences to length 1, or each by the root of both events' own"},
    {"pairs", &Config::pairs, Scope::model, "all", 0, 0,
     "all|upper|above|off-diagonal|cross|intervals", "",
     "pairs of events that are kept: parts of the square, first half with second half, or sums "
     "over pairs an interval apart"},
    {"compression", &Config::compression, Scope::model, "signed-root", 0, 0,
     "signed-root|tanh|none", "", "elementwise function of the bigrams"},
    {"unit_norm", &Config::unit_norm, Scope::model, "true", 0, 0, "", "",
     "scale the bigrams to length 1"},
    {"projection", &Config::projection, Scope::model, "256", 0, 4096, "", "dimensions",
     "size of the projected fingerprint; 0: none"},
    {"projection_pca", &Config::projection_pca, Scope::model, "320", 0, 4096, "", "dimensions",
     "principal components in which the within-class covariance is normalised"},
    {"projection_shrinkage", &Config::projection_shrinkage, Scope::model, "0.5", 0, 100, "", "",
     "share of the mean variance added to the within-class covariance"},

    {"loss", &Config::loss, Scope::training, "nt-xent", 0, 0, "nt-xent|triplet|contrastive", "",
     "what training minimises"},
    {"margin", &Config::margin, Scope::training, "0.3", 0, 1000, "", "",
     "margin of triplet and contrastive"},
    {"alpha", &Config::alpha, Scope::training, "4", 0, 1000, "", "",
     "weight of non-covers in contrastive"},
    {"scale", &Config::scale, Scope::training, "12", 0.01, 1000, "", "",
     "initial scale of nt-xent, learned from there"},
    {"scale_max", &Config::scale_max, Scope::training, "60", 0.01, 1000, "", "",
     "largest scale of nt-xent"},
    {"sampling", &Config::sampling, Scope::training, "works", 0, 0, "works|pairs", "",
     "a batch is works with two songs each, or cover pairs and non-cover pairs by turns"},
    {"works_per_batch", &Config::works_per_batch, Scope::training, "96", 2, 4096, "", "works",
     "works in a batch (P)"},
    {"distractors", &Config::distractors, Scope::training, "0.85", 0, 1, "", "",
     "share of a batch's works that have no second version"},
    {"random_keys", &Config::random_keys, Scope::training, "0", 0, 1, "", "",
     "share of the pairs trained on in a random key where key_mode is canonical"},
    {"tie_rotations", &Config::tie_rotations, Scope::training, "false", 0, 0, "", "",
     "filters are kernels in all 12 rotations, learned as one"},
    {"pairs_per_batch", &Config::pairs_per_batch, Scope::training, "100", 2, 4096, "", "pairs",
     "pairs in a batch where sampling is pairs"},
    {"crop", &Config::crop, Scope::training, "256", 8, 65536, "", "frames",
     "longest excerpt trained on"},
    {"stretch_low", &Config::stretch_low, Scope::training, "0.75", 0.1, 10, "", "",
     "smallest time stretch (duration factor)"},
    {"stretch_high", &Config::stretch_high, Scope::training, "1.35", 0.1, 10, "", "",
     "largest time stretch (duration factor)"},
    {"drop", &Config::drop, Scope::training, "0.05", 0, 0.9, "", "",
     "largest share of frames left out"},
    {"noise", &Config::noise, Scope::training, "0.05", 0, 1, "", "",
     "largest deviation of the noise added to chroma"},
    {"power_low", &Config::power_low, Scope::training, "0.6", 0.05, 20, "", "",
     "smallest exponent of chroma values"},
    {"power_high", &Config::power_high, Scope::training, "1.6", 0.05, 20, "", "",
     "largest exponent of chroma values"},
    {"power_share", &Config::power_share, Scope::training, "0.5", 0, 1, "", "",
     "share of excerpts to which an exponent applies"},
    {"event_deviation", &Config::event_deviation, Scope::training, "0.0505", 0, 10, "", "",
     "deviation of the initial event filters"},
    {"event_bias", &Config::event_bias, Scope::training, "0.1", -10, 10, "", "",
     "initial bias of the events"},
    {"window_deviation", &Config::window_deviation, Scope::training, "0.1", 0, 10, "", "",
     "deviation of the initial windows"},
    {"truncate_init", &Config::truncate_init, Scope::training, "false", 0, 0, "", "",
     "draw initial weights within two deviations only"},
    {"steps", &Config::steps, Scope::training, "1000", 1, kLarge, "", "steps", "training steps"},
    {"rate", &Config::rate, Scope::training, "0.003", 0, 10, "", "", "learning rate of Adam"},
    {"schedule", &Config::schedule, Scope::training, "cosine", 0, 0, "cosine|constant", "",
     "course of the learning rate"},
    {"warm_up", &Config::warm_up, Scope::training, "0.03", 0, 1, "", "",
     "share of the steps in which the rate rises"},
    {"beta1", &Config::beta1, Scope::training, "0.9", 0, 0.999999, "", "", "Adam's first decay"},
    {"beta2", &Config::beta2, Scope::training, "0.999", 0, 0.999999, "", "", "Adam's second decay"},
    {"epsilon", &Config::epsilon, Scope::training, "1e-8", 1e-12, 1, "", "", "Adam's epsilon"},
    {"clip", &Config::clip, Scope::training, "5", 0, kLarge, "", "",
     "largest norm of the gradient; 0: any"},
    {"validate_every", &Config::validate_every, Scope::training, "250", 1, kLarge, "", "steps",
     "steps between validations"},
    {"seed", &Config::seed, Scope::training, "0", 0, 9.0e15, "", "", "random seed"},
};

const Parameter& row(std::string_view name) {
  for (const Parameter& p : kParameters)
    if (p.name == name) return p;
  throw SettingsError(fmt::format("unknown parameter {}", quote(name)));
}

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
        {"events", "24"},
        {"event_length", "1"},
        {"windows", "12"},
        {"lags", "-7:8"},
        {"event_deviation", "0.1"},
        {"projection_pca", "0"},
        {"works_per_batch", "48"},
        {"distractors", "0.5"},
        {"steps", "2000"}}},
      {"plain",
       {{"key_mode", "all"},
        {"query_keys", "12"},
        {"events", "12"},
        {"event_length", "1"},
        {"activation", "none"},
        {"centre_events", "false"},
        {"windows", "1"},
        {"lags", "0"},
        {"compression", "none"},
        {"projection", "0"}}},
      // Everything as in the 2016 experiment.
      {"seed2016", {{"input", "patchwork"},    {"key_mode", "all"},
                    {"query_keys", "12"},      {"events", "12"},
                    {"event_length", "1"},     {"centre_events", "false"},
                    {"windows", "12"},         {"lags", "-5:6"},
                    {"pooling", "sum"},        {"compression", "tanh"},
                    {"unit_norm", "false"},    {"projection", "0"},
                    {"loss", "contrastive"},   {"margin", "10"},
                    {"sampling", "pairs"},     {"event_deviation", "0.1"},
                    {"truncate_init", "true"}, {"steps", "3200"},
                    {"rate", "0.0003"},        {"schedule", "constant"},
                    {"warm_up", "0"},          {"clip", "0"}}},
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
  return std::visit([&](auto field) { return nlohmann::json(config.*field); }, p.field);
}

void check_range(const Parameter& p, double value) {
  if (!(value >= p.low && value <= p.high))
    throw SettingsError(
        fmt::format("{}: expected {:g} to {:g}, found {:g}", p.name, p.low, p.high, value));
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (true) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

}  // namespace

std::span<const Parameter> parameters() {
  return kParameters;
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
  const Parameter& p = row(key);
  std::visit(
      Overload{[&](int Config::*f) { this->*f = parse_number<int>(key, value); },
               [&](std::int64_t Config::*f) { this->*f = parse_number<std::int64_t>(key, value); },
               [&](double Config::*f) { this->*f = parse_number<double>(key, value); },
               [&](bool Config::*f) { this->*f = boolean(key, value); },
               [&](std::string Config::*f) { this->*f = std::string(value); },
               [&](std::vector<int> Config::*f) { this->*f = list(key, value); }},
      p.field);
}

std::string Config::get(std::string_view key) const {
  const Parameter& p = row(key);
  return std::visit(Overload{[&](std::string Config::*f) { return this->*f; },
                             [&](std::vector<int> Config::*f) {
                               return fmt::format("{}", fmt::join(this->*f, ","));
                             },
                             [&](auto f) { return fmt::format("{}", this->*f); }},
                    p.field);
}

int Config::bigrams() const {
  if (!dense.empty()) return dense.back();
  const int kernels = events / kPitchClasses;
  const int kept = pairs == "upper"          ? events * (events + 1) / 2
                   : pairs == "above"        ? events * (events - 1) / 2
                   : pairs == "off-diagonal" ? events * (events - 1)
                   : pairs == "cross"        ? events * events / 4
                   : pairs == "intervals"    ? kernels * kernels * kPitchClasses
                                             : events * events;
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
  if (c.dense.empty() && c.events > kMaxEvents)
    throw SettingsError(
        fmt::format("events: expected 1 to {} without dense, found {}", kMaxEvents, c.events));
  if (!c.network()) return;
  const auto expect = [&](std::string_view key, std::string_view value) {
    if (c.get(key) != value)
      throw SettingsError(fmt::format(
          "{}: expected {} with layer_filters, pools or dense, found {}", key, value, c.get(key)));
  };
  for (const auto& [key, value] : {std::pair{"input", "patchwork"},
                                   {"activation", "relu"},
                                   {"centre_events", "false"},
                                   {"pairs", "all"},
                                   {"normalisation", "none"},
                                   {"tie_rotations", "false"}})
    expect(key, value);
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
    add_layer(last ? c.events : c.layer_filters[k],
              channels * (last ? c.event_length : c.layer_frames[k]));
    if (!c.pools.empty()) frames = (frames + c.pools[k] - 1) / c.pools[k];
  }
  if (c.dense.empty()) return;
  channels *= std::exchange(frames, 1);
  for (const int units : c.dense) add_layer(units, channels);
  expect("compression", "tanh");
  expect("unit_norm", "false");
}

}  // namespace

void Config::validate() const {
  for (const Parameter& p : kParameters) {
    std::visit(Overload{[&](std::string Config::*f) {
                          if (!is_choice(p.choices, this->*f))
                            throw SettingsError(fmt::format("{}: expected one of {}, found {}",
                                                            p.name, p.choices, quote(this->*f)));
                        },
                        [&](bool Config::*) {},
                        [&](std::vector<int> Config::*f) {
                          for (int value : this->*f) check_range(p, value);
                        },
                        [&](auto f) { check_range(p, static_cast<double>(this->*f)); }},
               p.field);
  }
  validate_network(*this);
  if (bands > 1 && feature != "chroma")
    throw SettingsError(
        fmt::format("feature: expected chroma with {} bands, found {}", bands, feature));
  if (lags.empty() || lags.size() > kMaxTaps)
    throw SettingsError(
        fmt::format("lags: expected 1 to {} lags, found {}", kMaxTaps, lags.size()));
  if (std::set<int>(lags.begin(), lags.end()).size() != lags.size())
    throw SettingsError("lags: expected different lags, found one twice");
  if (key_mode == "all" && query_keys != 12)
    throw SettingsError(
        fmt::format("query_keys: expected 12 with key_mode all, found {}", query_keys));
  if (key_mode == "invariant" && query_keys != 1)
    throw SettingsError(
        fmt::format("query_keys: expected 1 with key_mode invariant, found {}", query_keys));
  if ((key_mode == "invariant") != (pairs == "intervals"))
    throw SettingsError("pairs: expected intervals with key_mode invariant, and only there");
  if (pairs == "intervals" && (events % kPitchClasses != 0))
    throw SettingsError("pairs: intervals needs events in twelves");
  if (pairs == "intervals" && !tie_rotations)
    throw SettingsError("tie_rotations: expected true with pairs intervals");
  if (tie_rotations && events % kPitchClasses != 0)
    throw SettingsError(fmt::format("tie_rotations: expected events in twelves, found {}", events));
  if ((pairs == "cross" && events % 2 != 0) || bigrams() < 1)
    throw SettingsError(
        fmt::format("pairs: {} needs an even number of events, and two or more", pairs));
  if (random_keys > 0 && key_mode != "canonical")
    throw SettingsError(fmt::format("random_keys: expected 0 with key_mode {}", key_mode));
  if (stretch_low > stretch_high) throw SettingsError("stretch_low: expected at most stretch_high");
  if (power_low > power_high) throw SettingsError("power_low: expected at most power_high");
  if (projection > bigrams())
    throw SettingsError(fmt::format("projection: expected at most the {} bigrams, found {}",
                                    bigrams(), projection));
  if (projection_pca != 0 && projection_pca < projection)
    throw SettingsError(
        fmt::format("projection_pca: expected 0 or at least projection ({}), found {}", projection,
                    projection_pca));
  if (loss == "nt-xent" && sampling == "pairs")
    throw SettingsError("sampling: nt-xent needs works, as every batch row must have a version");
  if (loss != "contrastive" && !unit_norm)
    throw SettingsError(fmt::format("unit_norm: {} needs true", loss));
}

Config Config::from_json(std::string_view text, const std::string& where) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (!json.is_object()) throw InputError("expected a JSON object");
    Config config = of_preset(json.value("preset", "reprise"));
    for (const auto& [key, value] : json.items()) {
      const Parameter& p = row(key);
      std::visit(
          Overload{[&](int Config::*f) {
                     const auto number = value.get<std::int64_t>();
                     check_range(p, static_cast<double>(number));
                     config.*f = static_cast<int>(number);
                   },
                   [&](std::vector<int> Config::*f) { config.*f = value.get<std::vector<int>>(); },
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
    for (const unsigned char c : fmt::format("{}={};", p.name, value))
      hash = (hash ^ c) * 0x100000001b3u;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace reprise
