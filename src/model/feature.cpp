#include "model/feature.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace reprise {
namespace {

constexpr int kPeaksPerFrame = 3;
constexpr float kThresholdDecay = 0.96f;  // a frame
constexpr std::int64_t kThresholdFrames = 10;

using Frame = std::array<float, kPitchClasses>;

Frame frame_of(ChromaView chroma, std::int64_t t) {
  Frame frame;
  for (int c = 0; c < kPitchClasses; ++c) frame[c] = chroma.at(t, c);
  return frame;
}

std::vector<float> melody(ChromaView chroma) {
  std::vector<float> out(chroma.frames * kPitchClasses, 0.0f);
  for (std::int64_t t = 0; t < chroma.frames; ++t) {
    const Frame frame = frame_of(chroma, t);
    const auto strongest = std::max_element(frame.begin(), frame.end());
    if (*strongest > 0) out[t * kPitchClasses + (strongest - frame.begin())] = 1;
  }
  return out;
}

// One pass over the frames, at(0) to at(frames - 1). A pitch class above its threshold is a peak
// and raises the threshold to itself; the strongest peak of a frame raises all of them to a little
// below itself.
template <class At>
std::vector<std::int64_t> pass(ChromaView chroma, At at) {
  Frame threshold{};
  for (std::int64_t t = 0; t < std::min(kThresholdFrames, chroma.frames); ++t)
    for (int c = 0; c < kPitchClasses; ++c)
      threshold[c] = std::max(threshold[c], chroma.at(at(t), c));
  std::vector<std::int64_t> peaks;
  for (std::int64_t t = 0; t < chroma.frames; ++t) {
    const Frame frame = frame_of(chroma, at(t));
    std::array<int, kPitchClasses> order;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return frame[a] - threshold[a] > frame[b] - threshold[b];
    });
    for (int rank = 0; rank < kPeaksPerFrame; ++rank) {
      const int c = order[rank];
      if (!(frame[c] > threshold[c])) continue;
      peaks.push_back(at(t) * kPitchClasses + c);
      threshold[c] = frame[c];
      if (rank == 0)
        for (float& other : threshold) other = std::max(other, frame[c] * kThresholdDecay);
    }
    for (float& value : threshold) value *= kThresholdDecay;
  }
  std::sort(peaks.begin(), peaks.end());
  return peaks;
}

std::vector<float> peaks(ChromaView chroma) {
  const auto forward = pass(chroma, [](std::int64_t t) { return t; });
  const auto backward = pass(chroma, [&](std::int64_t t) { return chroma.frames - 1 - t; });
  std::vector<float> out(chroma.frames * kPitchClasses, 0.0f);
  for (const std::int64_t peak : forward)
    if (std::binary_search(backward.begin(), backward.end(), peak)) out[peak] = 1;
  return out;
}

std::vector<float> copied(ChromaView chroma) {
  std::vector<float> out;
  for (std::int64_t t = 0; t < chroma.frames; ++t)
    for (const float value : frame_of(chroma, t)) out.push_back(value);
  return out;
}

std::vector<float> melody_and_chroma(ChromaView chroma) {
  std::vector<float> out;
  const std::vector<float> tune = melody(chroma);
  for (std::int64_t t = 0; t < chroma.frames; ++t) {
    const Frame frame = frame_of(chroma, t);
    out.insert(out.end(), tune.begin() + t * kPitchClasses, tune.begin() + (t + 1) * kPitchClasses);
    out.insert(out.end(), frame.begin(), frame.end());
    out.insert(out.end(), kPitchClasses, 0.0f);
  }
  return out;
}

}  // namespace

std::vector<float> song_feature(ChromaView chroma, Feature feature) {
  switch (feature) {
    case Feature::chroma:
      return copied(chroma);
    case Feature::melody:
      return melody(chroma);
    case Feature::melody_and_chroma:
      return melody_and_chroma(chroma);
    case Feature::peaks:
      return peaks(chroma);
  }
  return {};
}

SongSet with_feature(const SongSet& set, std::span<const std::int64_t> songs, Feature feature) {
  SongSet result;
  result.path = set.path;
  for (const std::int64_t song : songs) {
    const std::vector<float> values = song_feature(set.chroma_of(song), feature);
    result.chroma_float.insert(result.chroma_float.end(), values.begin(), values.end());
    result.offsets.push_back(static_cast<std::int64_t>(result.chroma_float.size()) / kPitchClasses);
    result.song_id.push_back(set.song_id[song]);
    result.split.push_back(set.split[song]);
  }
  return result;
}

}  // namespace reprise
