#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reprise/choices.h"

namespace reprise {

/// The configuration of a model and its training. Each member has one row in parameters(), from
/// which the command-line key, JSON, range check, help text and hash follow.
struct Config {
  // The fingerprint.
  std::string preset;
  Input input;
  int patches;
  int patch_frames;
  Feature feature;
  int bands;
  KeyMode key_mode;
  int query_keys;
  std::vector<int> layer_filters;
  std::vector<int> layer_frames;
  int num_filters;
  int event_length;
  Activation activation;
  bool centre_events;
  std::vector<int> pools;
  std::vector<int> dense;
  int windows;
  std::vector<int> lags;
  Pooling pooling;
  Compression compression;
  Normalisation normalisation;
  KeptPairs pairs;
  bool unit_norm;
  int projection;
  int projection_pca;
  double projection_shrinkage;

  // Its training.
  Loss loss;
  double margin;
  double negative_weight;
  double inverse_temperature;
  double max_inverse_temperature;
  Sampling sampling;
  int works_per_batch;
  double distractors;
  double random_keys;
  bool tie_rotations;
  int pairs_per_batch;
  int crop;
  double stretch_low;
  double stretch_high;
  double drop;
  double noise;
  double power_low;
  double power_high;
  double power_share;
  double event_init_stddev;
  double event_init_bias;
  double window_init_stddev;
  bool truncate_init;
  int steps;
  double learning_rate;
  Schedule schedule;
  double warm_up;
  double beta1;
  double beta2;
  double epsilon;
  double max_grad_norm;
  int validate_every;
  std::int64_t seed;

  /// A preset: `reprise` (the default), `recipe-a`, `seed2016`, or `plain`, the bare formula on
  /// pitch classes. Throws SettingsError for another name.
  static Config of_preset(std::string_view name);
  /// Accepts current and former names of parameters. Throws InputError naming the key and what was
  /// expected.
  static Config from_json(std::string_view json, const std::string& where);
  /// Writes current names.
  std::string to_json() const;

  /// Sets one value from text, by the current or former name of its parameter. Throws
  /// SettingsError.
  void set(std::string_view key, std::string_view value);
  std::string get(std::string_view key) const;

  /// Chroma values per frame.
  int width() const { return 12 * bands; }

  /// Number of bigrams: windows x kept pairs of events; with dense layers, the units of the last.
  int bigrams() const;

  /// Whether events come from a network of layers, as tried in 2016.
  bool network() const { return !(layer_filters.empty() && pools.empty() && dense.empty()); }

  /// Checks the range of every parameter and the rules between them. Throws SettingsError.
  void validate() const;

  /// Hash of the parameters that affect the fingerprint, 16 hexadecimal digits. It is stable:
  /// renamed parameters enter under their former names.
  std::string hash() const;

  bool operator==(const Config&) const = default;
};

/// A row of the parameter table.
struct Parameter {
  enum class Scope : std::uint8_t { model, training };
  using Field =
      std::variant<int Config::*, std::int64_t Config::*, double Config::*, bool Config::*,
                   std::string Config::*, std::vector<int> Config::*, Input Config::*,
                   Feature Config::*, KeyMode Config::*, Activation Config::*, Pooling Config::*,
                   Normalisation Config::*, KeptPairs Config::*, Compression Config::*,
                   Loss Config::*, Sampling Config::*, Schedule Config::*>;
  std::string_view name;
  Field field;
  Scope scope;
  std::string_view initial;  ///< value in the preset `reprise`, as text
  double low = 0;            ///< range, inclusive; of each element for lists
  double high = 0;
  std::string_view unit;
  std::string_view meaning;
  std::string_view former = {};  ///< former name, still accepted
  /// Left out of JSON and hash if it has its initial value: added after files were written
  /// without it.
  bool optional = false;

  /// Names of its values; empty for numbers.
  std::vector<std::string_view> choices() const;
};

std::span<const Parameter> parameters();

/// The parameter of this name or former name. Throws SettingsError.
const Parameter& parameter(std::string_view name);

std::vector<std::string_view> preset_names();

}  // namespace reprise
