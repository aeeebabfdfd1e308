#include <algorithm>
#include <cmath>

#include "audio/real_transform.h"
#include "reprise/audio.h"

namespace reprise {
namespace {

constexpr double kBinsPerSemitone = 3;  // of the transform, at least
constexpr int kPartials = 20;
constexpr int kAlign = 16;  // floats

double fine_frequency(const ChromaSettings& s, int bin) {
  const double note = s.lowest + static_cast<double>(bin - kFineMargin) / kFineBins;
  return 440 * std::exp2((note - 69) / 12);
}

int window_of(const ChromaSettings& s, int bin) {
  const double semitone = fine_frequency(s, bin) * (std::exp2(1.0 / 12) - 1);
  double window = s.shortest_window;
  while (window < s.longest_window && semitone * window / s.rate < kBinsPerSemitone) window *= 2;
  return static_cast<int>(window);
}

// Reaches to the neighbouring fine bins, and at least to the next of the transform's.
ChromaTables::Hat hat_of(const ChromaSettings& s, int window, int bin) {
  const auto place = [&](int b) { return fine_frequency(s, b) * window / s.rate; };
  const double centre = place(bin);
  const double below = std::min(place(bin - 1), centre - 1);
  const double above = std::max(place(bin + 1), centre + 1);
  ChromaTables::Hat hat{static_cast<int>(std::floor(below)) + 1, {}};
  for (int k = hat.first; k < above && k <= window / 2; ++k)
    hat.weights.push_back(static_cast<float>(k < centre ? (k - below) / (centre - below)
                                                        : (above - k) / (above - centre)));
  return hat;
}

void add_notes(const ChromaSettings& s, ChromaTables& tables) {
  const int notes = tables.notes;
  const auto at = [&](int row) { return static_cast<std::size_t>(row) * tables.stride; };
  tables.dictionary.resize(at(notes));
  tables.gram.resize(at(notes));
  for (int note = 0; note < notes; ++note) {
    float* column = &tables.dictionary[at(note)];
    for (int h = 1; h <= kPartials; ++h) {
      const double partial = note + 12 * std::log2(h);
      const int below = static_cast<int>(partial);
      const double share = partial - below;
      const double strength = std::pow(s.decay, h - 1);
      if (below < notes) column[below] += static_cast<float>(strength * (1 - share));
      if (below + 1 < notes) column[below + 1] += static_cast<float>(strength * share);
    }
  }
  for (int i = 0; i < notes; ++i)
    for (int j = 0; j < notes; ++j) {
      double sum = 0;
      for (int n = 0; n < notes; ++n)
        sum += double{tables.dictionary[at(i) + n]} * tables.dictionary[at(j) + n];
      tables.gram[at(i) + j] = static_cast<float>(sum);
    }
}

}  // namespace

ChromaTables chroma_tables(const ChromaSettings& settings) {
  settings.validate();
  ChromaTables tables;
  tables.lowest = static_cast<int>(settings.lowest);
  tables.notes = static_cast<int>(settings.highest - settings.lowest) + 1;
  tables.stride = (tables.notes + kAlign - 1) / kAlign * kAlign;
  tables.updates = static_cast<int>(settings.harmonics);
  tables.floor = static_cast<float>(std::pow(10.0, settings.silence / 20));
  tables.tuned = settings.tuning > 0;
  tables.bins = (tables.notes - 1) * kFineBins + 1 + 2 * kFineMargin;
  for (int bin = 0; bin < tables.bins; ++bin) {
    const int window = window_of(settings, bin);
    if (bin == 0 || window != tables.resolutions.back().window)
      tables.resolutions.push_back({window, hann_window(window), bin, {}});
    tables.resolutions.back().hats.push_back(hat_of(settings, window, bin));
  }
  add_notes(settings, tables);
  return tables;
}

}  // namespace reprise
