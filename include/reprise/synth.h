#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/song_set_writer.h"

namespace reprise {

/// How made-up songs and their covers are. Each member is declared by one row of
/// synth_parameters().
struct SynthSettings {
  int versions;
  double singles;
  double seconds;
  double frames_per_second;
  double tempo;
  double structure;
  double harmony;
  double ornament;
  double accompaniment;
  double noise;

  SynthSettings();
  /// Throws SettingsError for an unknown name, and for a value that is no number or out of range.
  void set(std::string_view name, std::string_view value);
  std::string get(std::string_view name) const;
};

struct SynthParameter {
  std::string_view name;
  int SynthSettings::*whole = nullptr;  ///< one of the two
  double SynthSettings::*real = nullptr;
  double initial;
  double low;
  double high;
  std::string_view meaning;
};

std::span<const SynthParameter> synth_parameters();

/// A made-up song.
struct SynthSong {
  SongInfo info;                     ///< without a split
  std::vector<std::uint8_t> chroma;  ///< [frames, 12]
};

/// Songs with covers that never end: song `index` follows from the settings, the seed and the index
/// alone, at the same cost for any index. A work is a mode, a progression and a melody over a few
/// sections, all drawn from one style (diatonic chords, small steps), so that works are alike as
/// songs of one repertoire are. A song performs its work in a key, tempo, order of sections,
/// harmonisation, ornamentation, mix and noise of its own.
SynthSong synth_song(const SynthSettings& settings, std::uint64_t seed, std::int64_t index);

/// Songs first ... first + count - 1, on `threads` threads; the result does not depend on them.
std::vector<SynthSong> synth_songs(const SynthSettings& settings, std::uint64_t seed,
                                   std::int64_t first, std::int64_t count, int threads);

}  // namespace reprise
