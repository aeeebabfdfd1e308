#pragma once

// Chroma of audio by the definition in reprise/audio.h, as plain loops: in double precision the
// truth, in float the yardstick of tolerance.h.

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "reprise/audio.h"

namespace reprise::oracle {

template <class Real>
struct Chroma {
  std::vector<Real> chroma;  // [frames, 12]
  double tuning = 0;
};

/// Fine bin b lies b / 3 semitones above the lowest note, b from -3.
inline double fine_pitch_hz(const ChromaSettings& s, int b) {
  return 440 * std::pow(2.0, (s.lowest - 69 + b / 3.0) / 12);
}

/// Power at fine bin b of the window around `centre`.
template <class Real, class Sample>
Real fine_power(const std::vector<Sample>& x, const ChromaSettings& s, int b, long window,
                long centre) {
  const double place = fine_pitch_hz(s, b) * window / s.rate;
  const double below = std::min(fine_pitch_hz(s, b - 1) * window / s.rate, place - 1);
  const double above = std::max(fine_pitch_hz(s, b + 1) * window / s.rate, place + 1);
  std::vector<Real> shape(window), turn_re(window), turn_im(window);
  for (long i = 0; i < window; ++i) {
    const double angle = 2 * std::numbers::pi * i / window;
    shape[i] = Real((1 - std::cos(angle)) * 2 / window);
    turn_re[i] = Real(std::cos(angle));
    turn_im[i] = Real(-std::sin(angle));
  }
  Real power = 0;
  for (long k = 0; k <= window / 2; ++k) {
    if (k <= below || k >= above) continue;
    Real re = 0, im = 0;
    for (long i = 0; i < window; ++i) {
      const long at = centre - window / 2 + i;
      if (at < 0 || at >= long(x.size())) continue;
      const Real value = Real(x[at]) * shape[i];
      re += value * turn_re[k * i % window];
      im += value * turn_im[k * i % window];
    }
    const Real weight =
        Real(k < place ? (k - below) / (place - below) : (above - k) / (above - place));
    power += weight * (re * re + im * im);
  }
  return power;
}

template <class Real, class Sample>
Chroma<Real> chroma(const std::vector<Sample>& x, const ChromaSettings& s) {
  const int notes = int(s.highest - s.lowest) + 1, fine = 3 * (notes - 1) + 7;
  const double hop = s.rate / s.frames_per_second;
  const int frames = std::max(1, int(std::floor(x.size() / hop + 0.5)));
  std::vector<Real> power(std::size_t(frames) * fine, 0);
  std::complex<double> phase = 0;
  for (int t = 0; t < frames; ++t) {
    double total = 0;
    std::complex<double> turned = 0;
    for (int b = -3; b < fine - 3; ++b) {
      long window = long(s.shortest_window);
      const double semitone = fine_pitch_hz(s, b) * (std::pow(2.0, 1.0 / 12) - 1);
      while (window < s.longest_window && semitone < 3 * s.rate / window) window *= 2;
      const int spectra = std::max(1, int(std::lround(hop / (0.3 * window))));
      Real sum = 0;
      for (int i = 0; i < spectra; ++i)
        sum += fine_power<Real>(x, s, b, window, std::lround(hop * (t + (i + 0.5) / spectra)));
      power[std::size_t(t) * fine + b + 3] = sum / Real(spectra);
      total += sum / spectra;
      turned += double(sum / spectra) * std::polar(1.0, 2 * std::numbers::pi * b / 3);
    }
    if (total > 0) phase += turned / std::sqrt(total);
  }
  Chroma<Real> result;
  if (s.tuning > 0 && phase != 0.0) result.tuning = std::arg(phase) / (2 * std::numbers::pi);

  std::vector<std::vector<Real>> d(notes, std::vector<Real>(notes, 0));  // D[row][column]
  for (int j = 0; j < notes; ++j)
    for (int h = 1; h <= 20; ++h)
      for (int i = 0; i < notes; ++i) {
        const double away = std::abs(i - (j + 12 * std::log2(h)));
        if (away < 1) d[i][j] += Real(std::pow(s.decay, h - 1) * (1 - away));
      }
  for (int t = 0; t < frames; ++t) {
    std::vector<Real> y(notes), frame(12, 0);
    for (int n = 0; n < notes; ++n) {
      Real sum = 0;
      for (int b = -3; b < fine - 3; ++b)
        sum += Real(std::max(0.0, 1 - 1.5 * std::abs(b / 3.0 - n - result.tuning))) *
               power[std::size_t(t) * fine + b + 3];
      y[n] = std::sqrt(sum);
    }
    std::vector<Real> a = y;
    for (int update = 0; update < int(s.harmonics); ++update) {
      std::vector<Real> model(notes, 0), next(notes);
      for (int i = 0; i < notes; ++i)
        for (int j = 0; j < notes; ++j) model[i] += d[i][j] * a[j];
      for (int j = 0; j < notes; ++j) {
        Real match = 0, explained = 0;
        for (int i = 0; i < notes; ++i) match += d[i][j] * y[i], explained += d[i][j] * model[i];
        next[j] = explained > 0 ? a[j] * match / explained : 0;
      }
      a = next;
    }
    if (*std::max_element(y.begin(), y.end()) < std::pow(10.0, s.silence / 20))
      std::fill(a.begin(), a.end(), Real(0));
    for (int n = 0; n < notes; ++n) frame[(int(s.lowest) + n) % 12] += a[n];
    const Real largest = *std::max_element(frame.begin(), frame.end());
    for (const Real value : frame) result.chroma.push_back(largest > 0 ? value / largest : 0);
  }
  return result;
}

}  // namespace reprise::oracle
