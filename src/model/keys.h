#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "reprise/song_set.h"

namespace reprise {

/// A song's pitch classes: its mean chroma over time and bands, minus the mean over pitch classes,
/// scaled to length 1 (zeros where nothing stands out).
using PitchHistogram = std::array<float, kPitchClasses>;

PitchHistogram pitch_histogram(const SongSet& set, std::int64_t song);
/// The same from a matrix [frames, 12 * bands].
PitchHistogram pitch_histogram(ChromaView chroma);

/// The histogram of the song rolled up by `roll` semitones.
PitchHistogram rolled(const PitchHistogram& histogram, int roll);

/// For each roll of `histogram` up by r semitones, how well it fits `reference`: r-th value.
std::array<float, kPitchClasses> roll_scores(const PitchHistogram& histogram,
                                             const PitchHistogram& reference);

/// The rolls, best fit first, ties by ascending roll.
std::array<int, kPitchClasses> rolls_by_fit(const PitchHistogram& histogram,
                                            const PitchHistogram& reference);

/// The roll of `histogram` that fits `reference` best: the pitch alignment of a pair.
int best_roll(const PitchHistogram& histogram, const PitchHistogram& reference);

/// The common shape of the histograms when each is in its best key: 30 rounds of rolling every song
/// to its best match, averaging and normalising, from the first song.
PitchHistogram learn_key_template(std::span<const PitchHistogram> histograms);

}  // namespace reprise
