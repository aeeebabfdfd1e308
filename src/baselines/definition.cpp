#include "baselines/definition.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "baselines/shipped.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Json = nlohmann::json;
using Kernel = std::vector<std::vector<float>>;  // [length, 12 * bands]

float number(const Json& json, const char* what) {
  if (!json.is_number() || !std::isfinite(json.get<double>()))
    throw InputError(fmt::format("{}: expected numbers, found {}", what, quote(json.dump())));
  return json.get<float>();
}

const Json& array(const Json& json, const char* what, int most) {
  if (!json.is_array() || json.empty() || json.size() > static_cast<std::size_t>(most))
    throw InputError(
        fmt::format("{}: expected a list of 1 to {}, found {}", what, most,
                    json.is_array() ? fmt::format("{}", json.size()) : json.type_name()));
  return json;
}

Config config_of(const Json& json) {
  if (!json.is_object()) throw InputError("config: expected an object");
  Config config = Config::of_preset(json.value("preset", "plain"));
  for (const auto& [key, value] : json.items()) {
    if (key == "preset") continue;
    if (!value.is_primitive())
      throw InputError(fmt::format("config: {}: expected one value", quote(key)));
    config.set(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return config;
}

std::vector<Kernel> kernels_of(const Json& json, int width) {
  std::vector<Kernel> kernels;
  std::size_t longest = 0;
  for (const Json& frames : array(json, "kernels", kMaxEvents / kPitchClasses)) {
    Kernel& kernel = kernels.emplace_back();
    for (const Json& frame : array(frames, "kernels: a kernel", kMaxEventLength)) {
      auto& values = kernel.emplace_back(width);
      if (frame.is_array() && frame.size() != values.size())
        throw InputError(fmt::format("kernels: a frame: expected one number or {}, found {}", width,
                                     frame.size()));
      for (std::size_t c = 0; c < (frame.is_array() ? values.size() : 1); ++c)
        values[c] = number(frame.is_array() ? frame[c] : frame, "kernels");
    }
    longest = std::max(longest, kernel.size());
  }
  for (Kernel& kernel : kernels) kernel.resize(longest, std::vector<float>(width));
  return kernels;
}

// Appends the windows [F, L].
int add_windows(const Json& definition, int taps, std::vector<float>& weights) {
  if (!definition.contains("windows")) {
    if (taps > kMaxWindows)
      throw InputError(
          fmt::format("lags: expected at most {} where each is a window", kMaxWindows));
    for (int f = 0; f < taps; ++f)
      for (int l = 0; l < taps; ++l) weights.push_back(f == l ? 1 : 0);
    return taps;
  }
  const Json& windows = array(definition["windows"], "windows", kMaxWindows);
  for (const Json& window : windows) {
    array(window, "windows: a window", taps);
    for (int l = 0; l < taps; ++l)
      weights.push_back(l < static_cast<int>(window.size()) ? number(window[l], "windows") : 0);
  }
  return static_cast<int>(windows.size());
}

Model model_of(const Json& definition) {
  if (!definition.is_object()) throw InputError("expected a JSON object");
  for (const auto& [key, value] : definition.items())
    if (constexpr std::array known{"source", "config", "kernels", "biases", "windows"};
        std::find(known.begin(), known.end(), key) == known.end())
      throw InputError(
          fmt::format("unknown key {}: expected {}", quote(key), fmt::join(known, ", ")));
  for (const char* key : {"config", "kernels"})
    if (!definition.contains(key))
      throw InputError(fmt::format("expected a key {}, found none", key));
  Model model;
  Config& config = model.config;
  config = config_of(definition["config"]);
  const std::vector<Kernel> kernels = kernels_of(definition["kernels"], config.width());
  config.num_filters = static_cast<int>(kernels.size()) * kPitchClasses;
  config.event_length = static_cast<int>(kernels[0].size());
  config.tie_rotations = true;  // where it is trained on
  for (const Kernel& kernel : kernels)
    for (int rotation = 0; rotation < kPitchClasses; ++rotation)
      for (const auto& frame : kernel)
        for (int c = 0; c < config.width(); ++c)
          model.weights.push_back(frame[rolled_from(c, rotation)]);

  const Json biases = definition.value("biases", Json(std::vector<float>(kernels.size(), 0.0f)));
  if (array(biases, "biases", kMaxEvents).size() != kernels.size())
    throw InputError(fmt::format("biases: expected one of each of the {} kernels, found {}",
                                 kernels.size(), biases.size()));
  for (const Json& bias : biases)
    model.weights.insert(model.weights.end(), kPitchClasses, number(bias, "biases"));
  config.windows = add_windows(definition, static_cast<int>(config.lags.size()), model.weights);
  config.validate();
  if (config.key_mode == KeyMode::canonical || config.projection > 0)
    throw InputError(
        "expected key_mode all or invariant and no projection: what is learned from songs "
        "is kept in a model");
  return model;
}

}  // namespace

std::vector<std::string_view> definition_names() {
  std::vector<std::string_view> names;
  for (const ShippedDefinition& definition : kShippedDefinitions) names.push_back(definition.name);
  return names;
}

Model shipped_definition(std::string_view name) {
  for (const ShippedDefinition& definition : kShippedDefinitions)
    if (definition.name == name)
      return parse_definition(definition.json, std::string(name) + ".json");
  throw SettingsError(fmt::format("unknown fingerprint '{}': expected one of {}", name,
                                  fmt::join(definition_names(), ", ")));
}

Model parse_definition(std::string_view json, const std::string& where) {
  try {
    return model_of(Json::parse(json));
  } catch (const Json::exception& error) {
    throw InputError(fmt::format("{}: expected valid JSON: {}", where, error.what()));
  } catch (const Error& error) {
    throw InputError(fmt::format("{}: {}", where, error.what()));
  }
}

}  // namespace reprise
