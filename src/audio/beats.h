#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "audio/spectrum.h"

namespace reprise {

// Beat tracking by dynamic programming (Ellis, Beat Tracking by Dynamic Programming, 2007).

/// Values of onset strength a second.
inline constexpr double kOnsetRate = 62.5;

/// How strongly something begins: the rise of the level (decibels) between one value and the next,
/// summed over 40 bands equally wide in mel, what is slower than .4 Hz taken out, its deviation 1
/// (or all zeros). Value i is that of the window around i / kOnsetRate seconds.
std::vector<float> onset_strength(Samples& samples, double rate);

/// The time between beats, in values of onset strength: the lag of the best autocorrelation,
/// weighted towards 120 beats a minute and with what it has at twice and three times the lag.
double beat_period(std::span<const float> onsets);

/// Beats, ascending: those that maximise the sum of the onsets at all beats and of
/// -tightness ln(interval / period)^2 over all intervals, of half to twice the period. The last
/// beat is the best within a period of the end.
std::vector<std::int64_t> track_beats(std::span<const float> onsets, double period,
                                      double tightness = 100);

}  // namespace reprise
