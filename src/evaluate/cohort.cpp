#include "evaluate/cohort.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/linear_algebra.h"

namespace reprise {

Cohort::Cohort(Backend& backend, std::span<const float> vectors, int dims)
    : backend_(backend), dims_(dims), vectors_(backend, vectors) {}

std::vector<Cohort::Statistics> Cohort::statistics(const Fingerprints& songs) const {
  constexpr std::int64_t kSongsAtOnce = 1024;
  const std::int64_t count = vectors_.size() / dims_;
  const std::int64_t nearest = std::min<std::int64_t>(kNearest, count);
  std::vector<float> values = songs.values;
  scale_to_unit(values, dims_);
  std::vector<Statistics> result;
  for (std::int64_t first = 0; first < songs.songs; first += kSongsAtOnce) {
    const std::int64_t some = std::min(kSongsAtOnce, songs.songs - first);
    const std::int64_t row = std::int64_t{songs.keys} * dims_;
    const Buffer<float> q(backend_,
                          std::span<const float>(values).subspan(first * row, some * row));
    Buffer<float> out(backend_, some * count);
    backend_.run(ops::Similarities{.q = q.data(),
                                   .queries = some,
                                   .keys = songs.keys,
                                   .c = vectors_.data(),
                                   .candidates = count,
                                   .dims = dims_,
                                   .out = out.data()});
    std::vector<float> similarities = out.download();
    for (std::int64_t i = 0; i < some; ++i) {
      const auto of_song = std::span(similarities).subspan(i * count, count);
      std::partial_sort(of_song.begin(), of_song.begin() + nearest, of_song.end(),
                        std::greater<>());
      Statistics s;
      for (const float value : of_song.first(nearest)) s.mean += double{value};
      s.mean /= static_cast<double>(nearest);
      double square = 0;
      for (const float value : of_song.first(nearest))
        square += (double{value} - s.mean) * (double{value} - s.mean);
      // A song that is equally like all of them tells nothing.
      constexpr double kFloor = 1e-3;
      s.deviation = std::sqrt(square / static_cast<double>(nearest)) + kFloor;
      result.push_back(s);
    }
  }
  return result;
}

}  // namespace reprise
