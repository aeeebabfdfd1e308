#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/chroma_engine.h"

namespace reprise {

/// How chroma is computed from audio. Each member is declared by one row of chroma_parameters().
///
/// The definition, in the order in which it is computed:
///   x       mono samples at `rate`: the mean of the channels, resampled. Not-a-number counts as 0.
///   frames  frame t is the span [t, t + 1) / frames_per_second; a song of n samples has
///           max(1, round(n frames_per_second / rate)) frames. Where `beats` is 1, frames reach
///           from one beat to the next (Ellis 2007: beats.h), the first from the song's start and
///           the last to its end; a frame longer than two beats is cut into equal ones.
///   power   Fine bin b has the pitch lowest + b / 3 semitones. It is read from the spectrum of the
///           Hann window of a power of two that is the shortest, between shortest_window and
///           longest_window, in which a semitone there spans three bins of the transform. Amplitude
///           1 gives |X| = 1. Power is pooled by linear interpolation between the fine bins'
///           pitches on the axis of frequency (or between the transform's bins where those are
///           wider apart), and averaged over spectra evenly spaced in the frame, .3 window apart or
///           as near to that as a whole number of them comes.
///   tuning  (1 / 2 pi) arg sum_t sum_b P e^(2 pi i b / 3) / sqrt(sum_b P), in semitones, over the
///           first ten minutes (Dressler & Streich 2007; Mauch & Dixon 2010); 0 where `tuning` is
///           0.
///   notes   y_n = sqrt(sum_b P_b max(0, 1 - 1.5 |b / 3 - n - tuning|)), one note a semitone.
///   strings a >= 0 with D a ~ y: D's column for a note has decay^(h-1) at its partials h = 1..20,
///           shared by the two notes a partial lies between; `harmonics` multiplicative updates
///           a <- a (D^T y) / (D^T D a) from a = y (Lee & Seung 2001; the notes' own strengths
///           without their partials, as Mauch & Dixon 2010 do). 0 updates: a = y.
///   chroma  sum of a over octaves, column 0 = C, divided by the frame's maximum; 0 where the
///           largest y lies below `silence`.
struct ChromaSettings {
  double frames_per_second;
  double beats;
  double rate;
  double longest_window;
  double shortest_window;
  double lowest;
  double highest;
  double tuning;
  double harmonics;
  double decay;
  double silence;

  ChromaSettings();  ///< the table's defaults
  /// Throws SettingsError: unknown key, not a number, out of range.
  void set(std::string_view key, std::string_view value);
  /// Checks the range of every row and the rules between rows. Throws SettingsError.
  void validate() const;

  /// One line that names the front end, its version and every setting: SongSet::chroma_source.
  std::string description() const;
  /// Parses such a line. Throws Error if it describes another front end.
  static ChromaSettings of_description(std::string_view line, const std::string& where);

  bool operator==(const ChromaSettings&) const = default;
};

/// One row of the table.
struct ChromaParameter {
  std::string_view name;
  double ChromaSettings::*field;
  double initial;
  double low, high;  ///< range, inclusive
  bool whole;        ///< whole numbers only
  std::string_view unit;
  std::string_view meaning;
};

std::span<const ChromaParameter> chroma_parameters();

/// The tables that follow from the settings; throws SettingsError like validate().
ChromaTables chroma_tables(const ChromaSettings& settings);

/// Reads any file that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, ...), in constant memory apart
/// from the result. Throws Error naming the file if it cannot be opened, is not audio, is damaged,
/// or holds no samples or only silence.
AudioChroma chroma_of_audio(const std::string& path, const ChromaSettings& settings);

/// The result of reading an audio file: a song or, if it could not be read, the problem.
struct AudioResult {
  AudioChroma song;
  std::string problem;
};

/// Reads files, several at a time (threads 0: one per core), and passes each result on with its
/// index, in order and from one thread at a time. Few results wait for an earlier file, so memory
/// does not grow with the number of files. `engine`, if not null, has the same settings, is used
/// from the calling thread only and computes everything after decoding; songs too long to be held
/// in memory are left to the CPU.
void read_audio_files(std::span<const std::string> paths, const ChromaSettings& settings,
                      int threads, const std::function<void(std::size_t, const AudioResult&)>& take,
                      ChromaEngine* engine = nullptr);

}  // namespace reprise
