#include "reprise/pair_distances.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/keys.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

constexpr std::size_t kMostPairs = 500;

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(const std::vector<double>& values) {
  Moments m;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) m.mean += value / count;
  for (const double value : values) m.variance += (value - m.mean) * (value - m.mean) / count;
  return m;
}

}  // namespace

double bhattacharyya_distance(const std::vector<double>& a, const std::vector<double>& b) {
  const Moments m = moments(a), n = moments(b);
  const double both = m.variance + n.variance, apart = m.mean - n.mean;
  if (both == 0 && apart == 0) return 0;
  return apart * apart / (4 * both) +
         0.5 * std::log(both / (2 * std::sqrt(m.variance * n.variance)));
}

PairDistances::PairDistances(const SongSet& set, std::string_view split, std::uint64_t seed) {
  const std::vector<std::int64_t> songs = set.songs_of(split);
  Random random(seed);
  songs_.bands = set.bands;
  songs_.band_names = set.band_names;
  const auto add = [&](std::int64_t song, int roll) {
    const ChromaView chroma = set.chroma_of(song);
    for (std::int64_t t = 0; t < chroma.frames; ++t)
      for (int c = 0; c < chroma.width(); ++c)
        songs_.chroma_float.push_back(chroma.at(t, rolled_from(c, roll)));
    songs_.offsets.push_back(songs_.offsets.back() + chroma.frames);
    songs_.song_id.push_back(set.song_id[song]);
  };
  const auto add_pair = [&](std::int64_t a, std::int64_t b) {
    add(a, 0);
    add(b, best_roll(pitch_histogram(set, b), pitch_histogram(set, a)));
    same_work_.push_back(set.work_id[a] == set.work_id[b]);
  };
  const bool one_work = std::all_of(songs.begin(), songs.end(), [&](std::int64_t song) {
    return set.work_id[song] == set.work_id[songs[0]];
  });
  for (const std::int64_t a : songs)
    for (const std::int64_t b : songs) {
      if (a >= b || set.work_id[a] != set.work_id[b] || one_work ||
          same_work_.size() >= 2 * kMostPairs)
        continue;
      add_pair(a, b);
      std::int64_t other = a;
      while (set.work_id[other] == set.work_id[a])
        other = songs[random.below(static_cast<std::uint32_t>(songs.size()))];
      add_pair(a, other);
    }
  if (same_work_.empty())
    throw InputError(
        fmt::format("{}: expected two works in the split '{}', one with two songs, to "
                    "measure distances of",
                    set.path, split));
}

PairDistances::Summary PairDistances::of(Backend& backend, const Model& model) const {
  std::vector<std::int64_t> all(songs_.songs());
  std::iota(all.begin(), all.end(), 0);
  ModelFingerprinter method(backend, model, "pairs");
  const Fingerprints f = method.compute(songs_, all, Keys::candidate);
  std::vector<double> covers, others;
  double loss = 0;
  for (std::size_t pair = 0; pair < same_work_.size(); ++pair) {
    const float* a = f.values.data() + 2 * pair * f.dims;
    double square = 0;
    for (int d = 0; d < f.dims; ++d) {
      const double apart = double{a[d]} - double{a[f.dims + d]};
      square += apart * apart;
    }
    const double distance = std::sqrt(square);
    const double short_of = std::max(0.0, model.config.margin - distance);
    loss += same_work_[pair] ? square : model.config.negative_weight * short_of * short_of;
    (same_work_[pair] ? covers : others).push_back(distance);
  }
  return {loss / static_cast<double>(same_work_.size()), moments(covers).mean, moments(others).mean,
          bhattacharyya_distance(covers, others)};
}

}  // namespace reprise
