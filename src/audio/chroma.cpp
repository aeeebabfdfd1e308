#include "audio/chroma.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "audio/audio_file.h"
#include "audio/beats.h"
#include "audio/notes.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr double kTuningSeconds = 600;
constexpr double kLongestBeat = 4;  // seconds: twice the longest period that beat_period gives

/// Where frames begin and end, in samples.
std::vector<double> beat_bounds(Samples::Source source, const ChromaSettings& s) {
  Samples samples(std::move(source), static_cast<std::int64_t>(s.rate));
  const std::vector<float> onsets = onset_strength(samples, s.rate);
  const double period = beat_period(onsets);
  std::vector<double> bounds{0};
  const auto reach = [&](double end) {
    const double parts = std::ceil((end - bounds.back()) / (2 * period));
    const double begin = bounds.back();
    for (int part = 1; part <= parts; ++part)
      bounds.push_back(begin + (end - begin) * part / parts);
  };
  const double end = static_cast<double>(samples.length()) * kOnsetRate / s.rate;
  for (const std::int64_t beat : track_beats(onsets, period)) {
    const auto at = static_cast<double>(beat);
    if (at - bounds.back() >= period / 2 && end - at >= period / 2) reach(at);
  }
  reach(end);
  for (double& bound : bounds) bound *= s.rate / kOnsetRate;
  return bounds;
}

}  // namespace

struct ChromaExtractor::State {
  explicit State(const ChromaSettings& s) : settings(s), spectrum(s), notes(s) {}

  ChromaSettings settings;
  Spectrum spectrum;
  Notes notes;
  std::vector<float> waiting;  // power of the frames whose tuning is not known yet: [frames, bins]
};

ChromaExtractor::ChromaExtractor(const ChromaSettings& settings) {
  settings.validate();
  state_ = std::make_unique<State>(settings);
}

ChromaExtractor::~ChromaExtractor() = default;

AudioChroma ChromaExtractor::extract(const std::function<Samples::Source()>& open) {
  const ChromaSettings& s = state_->settings;
  const auto bins = static_cast<std::size_t>(state_->spectrum.bins());
  std::vector<double> bounds;  // of beats, in samples
  if (s.beats > 0) bounds = beat_bounds(open(), s);
  const double hop = s.beats > 0 ? kLongestBeat * s.rate : s.rate / s.frames_per_second;
  Samples samples(open(), static_cast<std::int64_t>(s.longest_window + 2 * hop));
  AudioChroma result;
  if (!samples.reaches(0)) return result;

  Tuning tuning(static_cast<int>(bins));
  bool tuned = false;
  std::vector<float>& waiting = state_->waiting;
  waiting.clear();
  std::vector<float> power(bins);
  const auto finish = [&](const float* frame) {
    result.chroma.resize(result.chroma.size() + kPitchClasses);
    state_->notes.chroma(frame, &result.chroma[result.chroma.size() - kPitchClasses]);
  };
  const auto tune = [&] {
    result.tuning = s.tuning > 0 ? tuning.semitones() : 0;
    state_->notes.tune(result.tuning);
    for (std::size_t at = 0; at < waiting.size(); at += bins) finish(&waiting[at]);
    tuned = true;
  };
  for (std::int64_t t = 0;; ++t) {
    double begin, end;
    if (s.beats > 0) {
      if (t + 1 >= static_cast<std::int64_t>(bounds.size())) break;
      begin = bounds[t];
      end = bounds[t + 1];
    } else {
      begin = static_cast<double>(t) * hop;
      end = begin + hop;
      // As many frames as round(length / hop), and at least one.
      if (t > 0 && !samples.reaches(static_cast<std::int64_t>(std::ceil(begin + hop / 2)) - 1))
        break;
    }
    state_->spectrum.average(samples, begin, end, power.data());
    if (tuned) {
      finish(power.data());
      continue;
    }
    tuning.add(power.data());
    waiting.insert(waiting.end(), power.begin(), power.end());
    if (end / s.rate >= kTuningSeconds) tune();
  }
  if (!tuned) tune();
  result.seconds = static_cast<double>(samples.length()) / s.rate;
  return result;
}

AudioChroma ChromaExtractor::read(const std::string& path) {
  AudioChroma result = extract([&]() -> Samples::Source {
    const auto file = std::make_shared<AudioFile>(path, static_cast<int>(state_->settings.rate));
    return [file](std::span<float> out) { return file->read(out); };
  });
  if (result.chroma.empty())
    throw Error(fmt::format("{}: expected audio, found a file without samples", path));
  if (std::all_of(result.chroma.begin(), result.chroma.end(), [](float x) { return x == 0; }))
    throw Error(fmt::format("{}: expected music, found silence", path));
  return result;
}

AudioChroma chroma_of_audio(const std::string& path, const ChromaSettings& settings) {
  return ChromaExtractor(settings).read(path);
}

}  // namespace reprise
