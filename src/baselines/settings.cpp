#include "baselines/settings.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <variant>
#include <vector>

#include "reprise/baselines.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Field = std::variant<int Ftm2dParams::*, float Ftm2dParams::*, bool Ftm2dParams::*,
                           int MethodSettings::*>;

struct Setting {
  std::string_view name;
  Field field;
  float low = 0;  // range, inclusive
  float high = 1;
};

constexpr Setting kSettings[] = {
    {"patch", &Ftm2dParams::patch, 1, 1024},
    {"hop", &Ftm2dParams::hop, 1, 65536},
    {"power", &Ftm2dParams::power, 0.05f, 20},
    {"keep_norm", &Ftm2dParams::keep_norm},
    {"median", &Ftm2dParams::median},
    {"unit_norm", &Ftm2dParams::unit_norm},
    {"components", &MethodSettings::components, 1, 65536},
};

template <class Number>
Number number(const Setting& setting, std::string_view text) {
  Number value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() ||
      !(value >= static_cast<Number>(setting.low) && value <= static_cast<Number>(setting.high)))
    throw SettingsError(fmt::format("{}: expected a {} from {} to {}, found '{}'", setting.name,
                                    std::is_integral_v<Number> ? "whole number" : "number",
                                    setting.low, setting.high, text));
  return value;
}

bool boolean(const Setting& setting, std::string_view text) {
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  throw SettingsError(fmt::format("{}: expected true or false, found '{}'", setting.name, text));
}

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

bool has_setting(std::string_view method, const Setting& setting) {
  return setting.name == "components" ? method == "2dftm-pca" : method.starts_with("2dftm");
}

const Setting& find_setting(std::string_view method, std::string_view name) {
  std::string known;
  for (const Setting& setting : kSettings) {
    if (!has_setting(method, setting)) continue;
    if (setting.name == name) return setting;
    known += (known.empty() ? "" : ", ") + std::string(setting.name);
  }
  throw SettingsError(fmt::format("method {}: unknown setting '{}': its settings are {}", method,
                                  name, known.empty() ? "none" : known));
}

}  // namespace

bool method_has_setting(std::string_view method, std::string_view name) {
  for (const Setting& setting : kSettings)
    if (setting.name == name) return has_setting(method, setting);
  return false;
}

MethodSettings method_settings(std::string_view method,
                               const std::map<std::string, std::string>& values) {
  MethodSettings settings;
  // As in cover_id, the 2016 experiment's code: means over patches side by side.
  if (method == "2dftm-seed")
    settings.ftm2d = {.patch = 64,
                      .hop = 64,
                      .power = 2,
                      .keep_norm = false,
                      .median = false,
                      .unit_norm = false};
  for (const auto& value : values) {
    const Setting& setting = find_setting(method, value.first);
    const std::string& text = value.second;
    std::visit(
        Overload{[&](int Ftm2dParams::*f) { settings.ftm2d.*f = number<int>(setting, text); },
                 [&](float Ftm2dParams::*f) { settings.ftm2d.*f = number<float>(setting, text); },
                 [&](bool Ftm2dParams::*f) { settings.ftm2d.*f = boolean(setting, text); },
                 [&](int MethodSettings::*f) { settings.*f = number<int>(setting, text); }},
        setting.field);
  }
  return settings;
}

}  // namespace reprise
