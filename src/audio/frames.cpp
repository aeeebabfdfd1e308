#include "audio/frames.h"

#include <algorithm>
#include <cmath>

#include "audio/beats.h"

namespace reprise {
namespace {

constexpr double kTuningSeconds = 600;
constexpr double kLongestBeat = 4;  // seconds: twice the longest period that beat_period gives

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

Frames::Frames(const ChromaSettings& settings, const std::function<Samples::Source()>& open)
    : settings_(settings) {
  if (settings.beats > 0) beats_ = beat_bounds(open(), settings);
}

double Frames::longest() const {
  return settings_.beats > 0 ? kLongestBeat * settings_.rate
                             : settings_.rate / settings_.frames_per_second;
}

std::optional<Frames::Span> Frames::next(const std::function<bool(std::int64_t)>& reaches) {
  const std::int64_t t = next_++;
  if (settings_.beats > 0) {
    if (t + 1 >= std::ssize(beats_)) return std::nullopt;
    return Span{beats_[t], beats_[t + 1]};
  }
  const double hop = longest();
  const double begin = static_cast<double>(t) * hop;
  // As many frames as round(length / hop), and at least one.
  if (t > 0 && !reaches(static_cast<std::int64_t>(std::ceil(begin + hop / 2)) - 1))
    return std::nullopt;
  return Span{begin, begin + hop};
}

bool ends_tuning(const ChromaSettings& settings, const Frames::Span& frame) {
  return frame.end / settings.rate >= kTuningSeconds;
}

CutSong cut_song(std::vector<float> samples, const ChromaSettings& settings,
                 const ChromaTables& tables) {
  CutSong song;
  const std::int64_t length = std::ssize(samples);
  song.seconds = static_cast<double>(length) / settings.rate;
  song.windows.resize(tables.resolutions.size());
  for (CutSong::Windows& windows : song.windows) windows.frames.push_back(0);
  std::int64_t zeros = 0;  // before the song
  for (const ChromaTables::Resolution& r : tables.resolutions)
    zeros = std::max<std::int64_t>(zeros, r.window / 2);
  std::int64_t end = zeros + length;  // of the furthest window
  Frames frames(settings, [&]() -> Samples::Source {
    return [left = std::span<const float>(samples)](std::span<float> out) mutable {
      const std::size_t count = std::min(out.size(), left.size());
      std::copy_n(left.begin(), count, out.begin());
      left = left.subspan(count);
      return count;
    };
  });
  bool tuned = false;
  while (const auto frame = frames.next([&](std::int64_t sample) { return sample < length; })) {
    for (std::size_t i = 0; i < song.windows.size(); ++i) {
      const int window = tables.resolutions[i].window;
      CutSong::Windows& windows = song.windows[i];
      const Spread spread(frame->begin, frame->end, window);
      for (std::int64_t w = 0; w < spread.count(); ++w) {
        windows.starts.push_back(zeros + spread.start(w));
        end = std::max(end, windows.starts.back() + window);
      }
      windows.frames.push_back(std::ssize(windows.starts));
    }
    ++song.frames;
    if (!tuned) song.tuning_frames = song.frames;
    tuned = tuned || ends_tuning(settings, *frame);
  }
  samples.insert(samples.begin(), static_cast<std::size_t>(zeros), 0.0f);
  samples.resize(static_cast<std::size_t>(end));
  song.samples = std::move(samples);
  return song;
}

}  // namespace reprise
