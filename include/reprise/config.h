#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reprise/choices.h"

namespace reprise {

/// Everything that decides what a model computes and how it is trained. Each member is declared by
/// one row of parameters(): from it come the command-line key, the JSON reader and writer, the
/// range check, the help text and the hash.
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

  /// The named preset: `reprise` (the default), `recipe-a`, `seed2016`, or `plain`, the formula
  /// alone: what each pitch class does with each other one. Throws SettingsError.
  static Config of_preset(std::string_view name);
  /// Reads current and former names of parameters. Throws Error naming the key and what was
  /// expected.
  static Config from_json(std::string_view json, const std::string& where);
  /// Writes current names.
  std::string to_json() const;

  /// Sets one value from text, by the current or former name of its parameter. Throws
  /// SettingsError.
  void set(std::string_view key, std::string_view value);
  std::string get(std::string_view key) const;

  /// Values of a frame of chroma.
  int width() const { return 12 * bands; }

  /// Values of the bigrams: windows x the pairs of events that are kept; of the last dense layer
  /// where there is one in their place.
  int bigrams() const;

  /// Whether events are found by a network of layers, as tried in 2016.
  bool network() const { return !(layer_filters.empty() && pools.empty() && dense.empty()); }

  /// Checks the ranges of all rows and the rules between rows. Throws SettingsError.
  void validate() const;

  /// 16 hexadecimal digits over the values that decide the fingerprint. What a model was once named
  /// it stays: a renamed parameter enters under its former name.
  std::string hash() const;

  bool operator==(const Config&) const = default;
};

/// One row of the table.
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
  std::string_view former = {};  ///< name it once had, still read
  /// Named in JSON and hash only where it is not `initial`: what was named before there was such a
  /// parameter keeps its name.
  bool optional = false;

  /// The names that its values have; empty where they are numbers.
  std::vector<std::string_view> choices() const;
};

std::span<const Parameter> parameters();

/// The row of that name or former name. Throws SettingsError.
const Parameter& parameter(std::string_view name);

std::vector<std::string_view> preset_names();

}  // namespace reprise
