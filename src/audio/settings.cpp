#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "reprise/audio.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::string_view kFrontEnd = "audio-1";  // changes with the definition

// name, field, default, low, high, whole, unit, meaning
constexpr ChromaParameter kParameters[] = {
    {"frames_per_second", &ChromaSettings::frames_per_second, 4.5, 0.5, 50, false, "Hz",
     "frames per second"},
    {"beats", &ChromaSettings::beats, 0, 0, 1, true, "",
     "1: one frame per beat instead of a fixed rate"},
    {"rate", &ChromaSettings::rate, 11025, 4000, 48000, true, "Hz",
     "sample rate that recordings are resampled to"},
    {"longest_window", &ChromaSettings::longest_window, 8192, 256, 65536, true, "samples",
     "window for the lowest notes, a power of two"},
    {"shortest_window", &ChromaSettings::shortest_window, 2048, 256, 65536, true, "samples",
     "window for the highest notes, a power of two"},
    {"lowest", &ChromaSettings::lowest, 33, 12, 120, true, "MIDI note", "lowest note (33 is A1)"},
    {"highest", &ChromaSettings::highest, 107, 24, 127, true, "MIDI note",
     "highest note (107 is B7)"},
    {"tuning", &ChromaSettings::tuning, 1, 0, 1, true, "",
     "1: follow the song's own tuning; 0: A is 440 Hz"},
    {"harmonics", &ChromaSettings::harmonics, 30, 0, 1000, true, "updates",
     "iterations that assign partials to their notes; 0: none"},
    {"decay", &ChromaSettings::decay, 0.7, 0, 0.99, false, "",
     "strength of each partial relative to the one below"},
    {"silence", &ChromaSettings::silence, -80, -200, 0, false, "dB",
     "frames whose loudest note is below this level (re full scale) are silent"},
};

const ChromaParameter& row(std::string_view name) {
  for (const ChromaParameter& p : kParameters)
    if (p.name == name) return p;
  throw SettingsError(fmt::format("unknown chroma setting {}", quote(name)));
}

bool is_power_of_two(double value) {
  return std::exp2(std::round(std::log2(value))) == value;
}

}  // namespace

std::span<const ChromaParameter> chroma_parameters() {
  return kParameters;
}

ChromaSettings::ChromaSettings() {
  for (const ChromaParameter& p : kParameters) this->*p.field = p.initial;
}

void ChromaSettings::set(std::string_view key, std::string_view value) {
  this->*row(key).field = parse_number<double>(key, value);
}

void ChromaSettings::validate() const {
  for (const ChromaParameter& p : kParameters) {
    const double value = this->*p.field;
    if (!(value >= p.low && value <= p.high) || (p.whole && value != std::round(value)))
      throw SettingsError(fmt::format("{}: expected {}{:g} to {:g}, found {}", p.name,
                                      p.whole ? "a whole number from " : "", p.low, p.high, value));
  }
  for (const double window : {longest_window, shortest_window})
    if (!is_power_of_two(window))
      throw SettingsError(
          fmt::format("{}: expected a power of two, found {}",
                      window == longest_window ? "longest_window" : "shortest_window", window));
  if (shortest_window > longest_window)
    throw SettingsError("shortest_window: expected at most longest_window");
  if (highest - lowest < 12)
    throw SettingsError("highest: expected an octave above lowest, or more");
  // What resampling passes (see HalfBand).
  const double most = 69 + 12 * std::log2(0.38 * rate / 440) - 0.5;
  if (highest > most)
    throw SettingsError(fmt::format("highest: expected at most {:.0f} at a rate of {} Hz, found {}",
                                    std::floor(most), rate, highest));
}

std::string ChromaSettings::description() const {
  std::string line(kFrontEnd);
  const auto unused = beats > 0 ? &ChromaSettings::frames_per_second : &ChromaSettings::beats;
  for (const ChromaParameter& p : kParameters)
    if (p.field != unused) line += fmt::format(" {}={}", p.name, this->*p.field);
  return line;
}

ChromaSettings ChromaSettings::of_description(std::string_view line, const std::string& where) {
  ChromaSettings settings;
  std::string_view left = line;
  const auto word = [&] {
    const std::string_view first = left.substr(0, left.find(' '));
    left.remove_prefix(std::min(left.size(), first.size() + 1));
    return first;
  };
  if (word() != kFrontEnd)
    throw InputError(
        fmt::format("{}: expected chroma that this program makes from audio ({}), found {}", where,
                    kFrontEnd, quote(line, 500)));
  try {
    while (!left.empty()) {
      const std::string_view setting = word();
      const std::size_t equals = std::min(setting.find('='), setting.size());
      settings.set(setting.substr(0, equals), setting.substr(std::min(setting.size(), equals + 1)));
    }
    settings.validate();
  } catch (const SettingsError& error) {
    throw InputError(fmt::format("{}: chroma: {}", where, error.what()));
  }
  return settings;
}

}  // namespace reprise
