// The kernels of chroma against plain loops of what they are to compute. Songs with transforms in
// between are in test_cuda_chroma.cpp.
#include <cmath>
#include <complex>
#include <numbers>

#include "../op_cases.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

TEST_F(EmulationTest, ChromaWindowsAreWeighted) {
  const std::vector<float> samples = random_values(1000, 1, 1), hann = random_values(300, 1, 2);
  const std::vector<std::int64_t> starts = {0, 3, 700, 41};
  std::vector<float> expected;
  for (const std::int64_t start : starts)
    for (int i = 0; i < 300; ++i) expected.push_back(samples[start + i] * hann[i]);
  const auto out = same_in_every_order([&] {
    float* windowed = device_array<float>(1200);
    kernels::chroma_windows(to_device(samples), to_device(starts), 4, 300, to_device(hann),
                            windowed, nullptr);
    return to_host(windowed, 1200);
  });
  EXPECT_EQ(out, expected);
}

/// Hats and spectra of one resolution, whose frames have different numbers of windows.
struct Spectra {
  static constexpr int kWindow = 32, kLine = kWindow / 2 + 1, kHats = 7, kFirstBin = 2, kBins = 11;

  std::vector<std::int64_t> window_of = {0, 1, 4, 6, 7, 12};
  std::vector<std::int32_t> first = {0, 0, 1, 5, 9, 15, 16}, begin = {0};
  std::vector<float> weights, spectra;  // complex [windows, kLine]

  Spectra() {
    for (const int taps : {1, 3, 8, 2, 5, 2, 1}) begin.push_back(begin.back() + taps);
    for (const float value : random_values(begin.back(), 1, 3)) weights.push_back(std::abs(value));
    spectra = random_values(window_of.back() * kLine * 2, 1, 4);
  }
  std::int64_t frames() const { return std::ssize(window_of) - 1; }

  template <class Real>
  std::vector<Real> power() const {
    std::vector<Real> out;
    for (std::int64_t t = 0; t < frames(); ++t)
      for (int h = 0; h < kHats; ++h) {
        Real sum = 0;
        for (std::int64_t w = window_of[t]; w < window_of[t + 1]; ++w)
          for (int k = 0; begin[h] + k < begin[h + 1]; ++k) {
            const float* x = &spectra[(w * kLine + first[h] + k) * 2];
            sum +=
                Real(weights[begin[h] + k]) * (Real(x[0]) * Real(x[0]) + Real(x[1]) * Real(x[1]));
          }
        out.push_back(sum / Real(window_of[t + 1] - window_of[t]));
      }
    return out;
  }
};

// However many windows are transformed at a time: frames begin and end anywhere among them.
TEST_F(EmulationTest, ChromaPowerIsTheMeanOfAFramesSpectra) {
  const Spectra s;
  const std::int64_t windows = s.window_of.back();
  std::vector<float> any_batch;
  for (const std::int64_t batch : {windows, std::int64_t{5}, std::int64_t{2}, std::int64_t{1}}) {
    const auto out = same_in_every_order([&] {
      const kernels::ChromaHats hats{Spectra::kWindow,   Spectra::kFirstBin, Spectra::kHats,
                                     to_device(s.first), to_device(s.begin), to_device(s.weights)};
      const std::int64_t* window_of = to_device(s.window_of);
      const float* spectra = to_device(s.spectra);
      const std::vector<float> untouched(s.frames() * Spectra::kBins, 7.0f);
      float* power = to_device(untouched);
      for (std::int64_t first = 0; first < windows; first += batch) {
        const std::int64_t count = std::min(batch, windows - first);
        const auto frame_of = [&](std::int64_t window) {
          std::int64_t t = 0;
          while (s.window_of[t + 1] <= window) ++t;
          return t;
        };
        kernels::chroma_power({spectra + first * Spectra::kLine * 2, first, count, window_of,
                               frame_of(first), frame_of(first + count - 1)},
                              hats, Spectra::kBins, power, nullptr);
      }
      return to_host(power, untouched.size());
    });
    std::vector<float> hats;
    for (std::int64_t t = 0; t < s.frames(); ++t)
      for (int b = 0; b < Spectra::kBins; ++b) {
        const int h = b - Spectra::kFirstBin;
        const float value = out[t * Spectra::kBins + b];
        if (h >= 0 && h < Spectra::kHats)
          hats.push_back(value);
        else
          EXPECT_EQ(value, 7) << "bins of other resolutions stay";
      }
    expect_close(hats, s.power<double>(), s.power<float>(),
                 "power, " + std::to_string(batch) + " windows");
    if (any_batch.empty()) any_batch = hats;
    EXPECT_EQ(hats, any_batch) << batch;
  }
}

/// Songs of one call: frames of power, of which some are silent.
struct PowerOfSongs {
  std::vector<kernels::ChromaSong> songs;
  std::vector<float> power;  // [frames, bins]
  std::int64_t longest = 0;
  int bins;

  explicit PowerOfSongs(int notes) : bins((notes - 1) * kFineBins + 1 + 2 * kFineMargin) {
    std::int64_t first = 0;
    for (const std::int64_t frames : {1, 8, 9, 40}) {
      songs.push_back({first, frames, std::max<std::int64_t>(1, frames - 3)});
      first += frames;
      longest = std::max(longest, frames);
    }
    for (const float value : random_values(first * bins, 1, 5)) power.push_back(value * value);
    for (const std::int64_t silent : {0, 4, 30})
      std::fill_n(power.begin() + silent * bins, bins, 0.0f);
    for (int b = 0; b < bins; ++b) power[std::size_t(20 * bins + b)] *= 1e-10f;  // almost
  }
};

double tuning_of(const PowerOfSongs& p, const kernels::ChromaSong& song) {
  std::complex<double> phase = 0;
  for (std::int64_t t = song.first_frame; t < song.first_frame + song.tuning_frames; ++t) {
    std::complex<double> turned = 0;
    double total = 0;
    for (int b = 0; b < p.bins; ++b) {
      const double power = p.power[t * p.bins + b];
      total += power;
      turned += power * std::polar(1.0, 2 * std::numbers::pi * b / 3);
    }
    if (total > 0) phase += turned / std::sqrt(total);
  }
  return phase == 0.0 ? 0 : std::arg(phase) / (2 * std::numbers::pi);
}

TEST_F(EmulationTest, ChromaTuningIsThatOfTheDefinition) {
  const PowerOfSongs p(75);
  for (const Schedule& schedule : orders()) {
    SCOPED_TRACE(to_string(schedule));
    cudaDeviceReset();
    set_schedule(schedule);
    double* tuning = device_array<double>(p.songs.size());
    kernels::chroma_tuning(to_device(p.power), p.bins, to_device(p.songs), std::ssize(p.songs),
                           tuning, nullptr);
    const std::vector<double> out = to_host(tuning, p.songs.size());
    EXPECT_EQ(out[0], 0) << "of silence";
    for (std::size_t s = 0; s < p.songs.size(); ++s)
      EXPECT_NEAR(out[s], tuning_of(p, p.songs[s]), 1e-13) << s;
  }
}

struct Matrices {
  int stride;
  std::vector<float> dictionary, gram;  // D and D^T D, [notes, stride]

  explicit Matrices(int notes)
      : stride((notes + 15) / 16 * 16), dictionary(notes * stride), gram(notes * stride) {
    const std::vector<float> values = random_values(notes * notes, 1, 6);
    for (int i = 0; i < notes; ++i)
      for (int j = 0; j < notes; ++j)
        dictionary[i * stride + j] = i == j ? 1.0f : std::max(0.0f, values[i * notes + j] - 1);
    for (int i = 0; i < notes; ++i)
      for (int j = 0; j < notes; ++j) {
        double sum = 0;
        for (int n = 0; n < notes; ++n)
          sum += double{dictionary[n * stride + i]} * dictionary[n * stride + j];
        gram[i * stride + j] = float(sum);
      }
  }
};

template <class Real>
std::vector<Real> chroma_of(const PowerOfSongs& p, const Matrices& m, const kernels::ChromaNotes& n,
                            const std::vector<double>& tuning) {
  std::vector<Real> chroma;
  for (std::size_t s = 0; s < p.songs.size(); ++s)
    for (std::int64_t t = 0; t < p.songs[s].frames; ++t) {
      const float* power = &p.power[(p.songs[s].first_frame + t) * p.bins];
      std::vector<Real> y(n.notes), frame(12, 0);
      for (int j = 0; j < n.notes; ++j) {
        Real sum = 0;
        for (int b = 0; b < p.bins; ++b) {
          const double away = std::abs((b - 3) / 3.0 - j - (tuning.empty() ? 0 : tuning[s]));
          sum += Real(std::max(0.0, 1 - 1.5 * away)) * Real(power[b]);
        }
        y[j] = std::sqrt(sum);
      }
      std::vector<Real> a = y;
      for (int update = 0; update < n.updates; ++update) {
        std::vector<Real> next(n.notes);
        for (int j = 0; j < n.notes; ++j) {
          Real match = 0, explained = 0;
          for (int i = 0; i < n.notes; ++i) {
            match += Real(m.dictionary[i * m.stride + j]) * y[i];
            explained += Real(m.gram[i * m.stride + j]) * a[i];
          }
          next[j] = explained > 0 ? a[j] * match / explained : 0;
        }
        a = next;
      }
      const bool silent = *std::max_element(y.begin(), y.end()) < n.floor;
      for (int j = 0; j < n.notes && !silent; ++j) frame[(n.lowest + j) % 12] += a[j];
      const Real largest = *std::max_element(frame.begin(), frame.end());
      for (const Real value : frame) chroma.push_back(largest > 0 ? value / largest : 0);
    }
  return chroma;
}

TEST_F(EmulationTest, ChromaOfNotesIsThatOfTheDefinition) {
  for (const auto& [lowest, notes, updates] :
       {std::tuple{33, 75, 30}, {12, 116, 2}, {127 - 12, 13, 1}, {40, 32, 0}, {21, 64, 5}}) {
    SCOPED_TRACE(notes);
    const PowerOfSongs p(notes);
    const Matrices m(notes);
    kernels::ChromaNotes n{lowest, notes, m.stride, updates, 1e-3f, nullptr, nullptr};
    const std::vector<double> tunings = {0, -0.31, 0.5, 0.07};
    for (const bool tuned : {true, false}) {
      const auto out = same_in_every_order([&] {
        n.dictionary = to_device(m.dictionary);
        n.gram = to_device(m.gram);
        float* chroma = device_array<float>(p.power.size() / p.bins * 12);
        kernels::chroma_notes(to_device(p.power), p.bins, to_device(p.songs), std::ssize(p.songs),
                              p.longest, tuned ? to_device(tunings) : nullptr, n, chroma, nullptr);
        return to_host(chroma, p.power.size() / p.bins * 12);
      });
      const std::vector<double> used = tuned ? tunings : std::vector<double>();
      expect_close(out, chroma_of<double>(p, m, n, used), chroma_of<float>(p, m, n, used),
                   "notes " + std::to_string(notes));
      for (int c = 0; c < 12; ++c) {
        EXPECT_EQ(out[std::size_t(4 * 12 + c)], 0) << "a silent frame";
        EXPECT_EQ(out[std::size_t(20 * 12 + c)], 0) << "below the floor";
      }
    }
  }
}

}  // namespace
}  // namespace reprise::emulation
