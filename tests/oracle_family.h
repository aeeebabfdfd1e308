#pragma once

// Members of the family of audio bigrams as their papers put them: counts and sums over frames, in
// any real type. Nothing here is shared with the engine: no filters, no windows, no lags.

#include <array>
#include <cmath>
#include <vector>

#include "oracle_published.h"

namespace reprise::oracle {

template <class Real>
std::vector<Real> to_unit(std::vector<Real> values) {
  Real square = 0;
  for (const Real value : values) square += value * value;
  for (Real& value : values) value = square > 0 ? value / std::sqrt(square) : Real(0);
  return values;
}

/// Number of the strongest pitch class of each frame, -1 where it is silent.
template <class Real>
std::vector<int> strongest(const std::vector<Real>& x) {
  std::vector<int> notes;
  for (std::size_t t = 0; t < x.size() / 12; ++t) {
    int best = 0;
    for (int c = 1; c < 12; ++c)
      if (x[t * 12 + c] > x[t * 12 + best]) best = c;
    notes.push_back(x[t * 12 + best] > 0 ? best : -1);
  }
  return notes;
}

/// Landmarks: a pitch class is a peak where it exceeds the mean of the 7 frames before and the 7
/// after by 0.3 (0.0714 standing for 1/14); pairs of peaks 1 to 16 frames apart are counted by
/// distance, later and earlier pitch class.
template <class Real>
std::vector<Real> landmarks(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  std::vector<std::array<bool, 12>> peak;
  for (int t = 7; t + 7 < excerpt.frames; ++t) {
    std::array<bool, 12>& here = peak.emplace_back();
    for (int c = 0; c < 12; ++c) {
      Real around = 0;
      for (int s = t - 7; s <= t + 7; ++s)
        if (s != t) around += x[s * 12 + c];
      here[c] = x[t * 12 + c] - Real(0.0714f) * around > Real(0.3f);
    }
  }
  std::vector<Real> counts(16 * 144, 0);
  for (int t = 0; t < int(peak.size()); ++t)
    for (int k = 1; k <= 16 && t + k < int(peak.size()); ++k)
      for (int i = 0; i < 12; ++i)
        for (int j = 0; j < 12; ++j)
          if (peak[t + k][i] && peak[t][j]) counts[(k - 1) * 144 + i * 12 + j] += 1;
  return to_unit(counts);
}

/// Whether each value passes the decaying threshold of Bertin-Mahieux & Ellis 2011 in one
/// direction.
template <class Real>
std::vector<bool> above_threshold(const std::vector<Real>& x, bool backward) {
  const int frames = int(x.size()) / 12;
  std::vector<bool> found(x.size(), false);
  std::array<Real, 12> threshold{};
  for (int n = 0; n < std::min(10, frames); ++n)
    for (int c = 0; c < 12; ++c)
      threshold[c] = std::max(threshold[c], x[(backward ? frames - 1 - n : n) * 12 + c]);
  for (int n = 0; n < frames; ++n) {
    const int t = backward ? frames - 1 - n : n;
    const std::array<Real, 12> before = threshold;
    std::array<bool, 12> tried{};
    for (int rank = 0; rank < 3; ++rank) {
      int best = -1;  // furthest above the threshold that the frame met
      for (int c = 0; c < 12; ++c)
        if (!tried[c] && (best < 0 || x[t * 12 + c] - before[c] > x[t * 12 + best] - before[best]))
          best = c;
      tried[best] = true;
      const Real value = x[t * 12 + best];
      if (value <= threshold[best]) continue;
      found[t * 12 + best] = true;
      threshold[best] = value;
      if (rank == 0)
        for (Real& other : threshold) other = std::max(other, value * Real(0.96f));
    }
    for (Real& value : threshold) value *= Real(0.96f);
  }
  return found;
}

/// Jumps of 1 to 11 frames between landmarks, by distance and both pitch classes.
template <class Real>
std::vector<Real> jumpcodes(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  const std::vector<bool> forward = above_threshold(x, false), backward = above_threshold(x, true);
  std::vector<Real> counts(11 * 144, 0);
  for (int a = 0; a < excerpt.frames; ++a)
    for (int b = a + 1; b < excerpt.frames && b - a < 12; ++b)
      for (int from = 0; from < 12; ++from)
        for (int to = 0; to < 12; ++to)
          if (forward[a * 12 + from] && backward[a * 12 + from] && forward[b * 12 + to] &&
              backward[b * 12 + to])
            counts[(b - a - 1) * 144 + to * 12 + from] += 1;
  return to_unit(counts);
}

/// Intervalgram: chroma averaged over the frames first to last ahead, correlated over pitch with
/// the chroma of now, summed over the song.
template <class Real>
std::vector<Real> intervalgram(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  const int boxes[6][2] = {{0, 0}, {1, 1}, {2, 3}, {4, 7}, {8, 15}, {16, 31}};
  std::vector<Real> out(6 * 12, 0);
  for (int f = 0; f < 6; ++f)
    for (int t = 0; t < excerpt.frames; ++t)
      for (int p = 0; p < 12; ++p) {
        Real mean = 0;
        for (int s = t + boxes[f][0]; s <= t + boxes[f][1] && s < excerpt.frames; ++s)
          mean += x[s * 12 + p];
        mean /= Real(boxes[f][1] - boxes[f][0] + 1);
        for (int d = 0; d < 12; ++d) out[f * 12 + d] += mean * x[t * 12 + (p + d) % 12];
      }
  return to_unit(out);
}

/// Pitch bihistogram: how often one melody note follows another within two frames, unequal notes
/// only, square roots (as signed_root defines them).
template <class Real>
std::vector<Real> bihistogram(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<int> notes = strongest(rolled_chroma<Real>(chroma, excerpt));
  std::vector<Real> out;
  for (int i = 0; i < 12; ++i)
    for (int j = 0; j < 12; ++j) {
      if (i == j) continue;
      int count = 0;
      for (int t = 0; t < excerpt.frames; ++t)
        for (int k = 1; k <= 2 && t + k < excerpt.frames; ++k)
          count += notes[t + k] == i && notes[t] == j;
      const Real share = Real(count) / Real(excerpt.frames);
      out.push_back(share / std::sqrt(share + Real(1e-6f)));
    }
  return to_unit(out);
}

/// Harmonisation: the chroma that sounds with each melody note, summed over the song.
template <class Real>
std::vector<Real> harmonisation(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> x = rolled_chroma<Real>(chroma, excerpt);
  const std::vector<int> notes = strongest(x);
  std::vector<Real> out(144, 0);
  for (int t = 0; t < excerpt.frames; ++t)
    for (int c = 0; c < 12; ++c)
      if (notes[t] >= 0) out[notes[t] * 12 + c] += x[t * 12 + c];
  return to_unit(out);
}

/// Covariance of the pitch classes, i <= j.
template <class Real>
std::vector<Real> chroma_covariance(ChromaView chroma, const Excerpt& excerpt) {
  const std::vector<Real> matrix = covariance_matrix(rolled_chroma<Real>(chroma, excerpt), 12);
  std::vector<Real> out;
  for (int i = 0; i < 12; ++i)
    for (int j = i; j < 12; ++j) out.push_back(matrix[i * 12 + j]);
  return to_unit(out);
}

}  // namespace reprise::oracle
