#include "collections/beat_chroma.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

using Frame = std::array<double, kPitchClasses>;

void append_normalised(const Frame& frame, std::vector<float>& chroma) {
  const double largest = *std::max_element(frame.begin(), frame.end());
  for (const double value : frame)
    chroma.push_back(largest > 0 ? static_cast<float>(value / largest) : 0.0f);
}

void require(const MillionSong& song, std::size_t segments, std::size_t beats) {
  if (song.segment_start.size() < segments || song.beat_start.size() < beats)
    throw InputError(fmt::format("{}: expected at least {} segments and {} beats, found {} and {}",
                                 song.track_id, segments, beats, song.segment_start.size(),
                                 song.beat_start.size()));
}

Frame weighted(const MillionSong& song, std::size_t first, const std::vector<double>& weights,
               bool loudness) {
  Frame frame{};
  const std::size_t segments = song.segment_start.size();
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const std::size_t segment = std::min(first + k, segments - 1);
    const double gain = loudness ? std::pow(10.0, song.segment_loudness[segment] / 20) : 1.0;
    for (int c = 0; c < kPitchClasses; ++c)
      frame[c] += weights[k] * gain * song.segment_pitches[segment * kPitchClasses + c];
  }
  return frame;
}

}  // namespace

std::vector<float> beat_chroma_2012(const MillionSong& song) {
  require(song, 3, 2);
  const std::vector<double>& beats = song.beat_start;
  std::vector<double> starts = song.segment_start;
  // The last segment lasts until the last beat at least.
  if (beats.back() > starts.back()) starts.push_back(beats.back());
  std::vector<float> chroma;
  chroma.reserve(beats.size() * kPitchClasses);
  for (std::size_t b = 0; b < beats.size(); ++b) {
    const double begin = beats[b];
    const double end = b + 1 < beats.size() ? beats[b + 1] : begin;
    // The segment under a time is the last one that starts at or before it; the first one also
    // stands for what comes before it.
    const auto at_or_before = std::upper_bound(starts.begin(), starts.end(), begin);
    const auto before = std::lower_bound(starts.begin(), starts.end(), end);
    const std::size_t first = std::max<std::ptrdiff_t>(at_or_before - starts.begin() - 1, 0);
    const std::size_t last =
        std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(first), before - starts.begin() - 1);
    std::vector<double> weights;
    for (std::size_t s = first; s < last; ++s) weights.push_back(starts[s + 1] - starts[s]);
    weights.push_back(last > first ? end - starts[last] : 1.0);
    if (last > first) weights[0] -= std::max(0.0, begin - starts[first]);
    append_normalised(weighted(song, first, weights, true), chroma);
  }
  return chroma;
}

std::vector<float> beat_chroma_2011(const MillionSong& song) {
  require(song, 1, 1);
  const std::vector<double>& beats = song.beat_start;
  const std::vector<double>& starts = song.segment_start;
  const auto length = [&](std::size_t s) {
    return (s + 1 < starts.size() ? starts[s + 1] : song.duration) - starts[s];
  };
  std::vector<float> chroma;
  chroma.reserve(beats.size() * kPitchClasses);
  for (std::size_t b = 0; b < beats.size(); ++b) {
    const double begin = beats[b];
    const double end = b + 1 < beats.size() ? beats[b + 1] : song.duration;
    const auto first_after = std::lower_bound(starts.begin(), starts.end(), begin);
    if (first_after == starts.end()) {
      append_normalised(Frame{}, chroma);
      continue;
    }
    const std::size_t first = std::max<std::ptrdiff_t>(first_after - starts.begin() - 1, 0);
    const auto after_end = std::lower_bound(starts.begin(), starts.end(), end);
    // No segment starts after the beat: only the one it starts in counts.
    const std::size_t stop =
        after_end == starts.end() ? first : static_cast<std::size_t>(after_end - starts.begin());
    std::vector<double> weights(std::max(stop, first + 1) - first, 1.0);
    weights[0] = length(first) > 0 ? 1 - (begin - starts[first]) / length(first) : 0;
    if (stop > first + 1)
      weights.back() = length(stop - 1) > 0 ? (end - starts[stop - 1]) / length(stop - 1) : 0;
    for (double& weight : weights) weight = std::max(weight, 0.0);
    append_normalised(weighted(song, first, weights, false), chroma);
  }
  return chroma;
}

std::vector<float> segment_chroma(const MillionSong& song) {
  require(song, 1, 0);
  return {song.segment_pitches.begin(), song.segment_pitches.end()};
}

std::vector<float> million_song_chroma(const MillionSong& song, const std::string& variant) {
  if (variant == "beat2012") return beat_chroma_2012(song);
  if (variant == "beat2011") return beat_chroma_2011(song);
  return segment_chroma(song);
}

}  // namespace reprise
