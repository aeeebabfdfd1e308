#include "collections/duplicates.h"

#include <algorithm>
#include <cmath>

#include "reprise/view.h"

namespace reprise {
namespace {

double cosine(const float* a, const float* b) {
  double product = 0, square_a = 0, square_b = 0;
  for (int c = 0; c < kPitchClasses; ++c) {
    product += double{a[c]} * double{b[c]};
    square_a += double{a[c]} * double{a[c]};
    square_b += double{b[c]} * double{b[c]};
  }
  if (square_a == 0 && square_b == 0) return 1;
  return square_a == 0 || square_b == 0 ? 0 : product / std::sqrt(square_a * square_b);
}

}  // namespace

double frame_agreement(std::span<const float> a, std::span<const float> b, std::int64_t offset) {
  const auto frames_a = static_cast<std::int64_t>(a.size()) / kPitchClasses;
  const auto frames_b = static_cast<std::int64_t>(b.size()) / kPitchClasses;
  double best = 0;
  for (std::int64_t shift = -offset; shift <= offset; ++shift) {  // a[t] beside b[t + shift]
    const std::int64_t first = std::max<std::int64_t>(0, -shift);
    const std::int64_t end = std::min(frames_a, frames_b - shift);
    const std::int64_t common = end - first;
    if (common <= 0 || common * 10 < std::max(frames_a, frames_b) * 9) continue;
    double sum = 0;
    for (std::int64_t t = first; t < end; ++t)
      sum += cosine(a.data() + t * kPitchClasses, b.data() + (t + shift) * kPitchClasses);
    best = std::max(best, sum / static_cast<double>(common));
  }
  return best;
}

std::vector<Duplicate> find_duplicates(const std::vector<RecordingSketch>& songs,
                                       const DuplicateRules& rules) {
  std::vector<Duplicate> found;
  std::vector<bool> dropped(songs.size());
  for (std::size_t i = 0; i < songs.size(); ++i)
    for (std::size_t j = 0; j < i && !dropped[i]; ++j) {
      if (dropped[j]) continue;
      const RecordingSketch& a = songs[j];
      const RecordingSketch& b = songs[i];
      const bool same_checksum = !a.audio_md5.empty() && a.audio_md5 == b.audio_md5;
      double agreement = same_checksum ? 1 : 0;
      if (!same_checksum && !a.artist_id.empty() && a.artist_id == b.artist_id &&
          std::abs(a.duration - b.duration) <= rules.seconds)
        agreement = frame_agreement(a.chroma, b.chroma, rules.offset);
      if (!same_checksum && agreement < rules.cosine) continue;
      found.push_back({i, j, agreement, same_checksum});
      dropped[i] = true;
    }
  return found;
}

}  // namespace reprise
