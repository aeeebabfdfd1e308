#include "collections/frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {

void move_origin_to_c(std::vector<float>& chroma, int origin) {
  // Column c is pitch class c + origin: C is the one `12 - origin` columns in.
  const int first = (kPitchClasses - origin % kPitchClasses) % kPitchClasses;
  for (auto frame = chroma.begin(); frame != chroma.end(); frame += kPitchClasses)
    std::rotate(frame, frame + first, frame + kPitchClasses);
}

std::vector<float> average_frames(const std::vector<float>& chroma, double from, double to) {
  if (!(to > 0 && to <= from))
    throw InputError(fmt::format("expected at most {:g} frames a second, found {:g}", from, to));
  const auto frames = static_cast<std::int64_t>(chroma.size()) / kPitchClasses;
  const double step = from / to;
  const auto count = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::floor(static_cast<double>(frames) / step + 1e-9)));
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(count) * kPitchClasses);
  for (std::int64_t k = 0; k < count; ++k) {
    const double begin = static_cast<double>(k) * step;
    const double end = std::min(begin + step, static_cast<double>(frames));
    std::array<double, kPitchClasses> sum{};
    for (auto t = static_cast<std::int64_t>(begin); t < frames && static_cast<double>(t) < end;
         ++t) {
      const double share =
          std::min(end, static_cast<double>(t + 1)) - std::max(begin, static_cast<double>(t));
      for (int c = 0; c < kPitchClasses; ++c)
        sum[c] += share * double{chroma[t * kPitchClasses + c]};
    }
    for (const double value : sum) out.push_back(static_cast<float>(value / (end - begin)));
  }
  return out;
}

void normalise_frames(std::vector<float>& chroma) {
  for (auto frame = chroma.begin(); frame != chroma.end(); frame += kPitchClasses) {
    const float largest = *std::max_element(frame, frame + kPitchClasses);
    if (largest > 0)
      std::transform(frame, frame + kPitchClasses, frame, [&](float v) { return v / largest; });
  }
}

}  // namespace reprise
