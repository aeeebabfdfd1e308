#include "model/projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "core/checksum.h"
#include "core/linear_algebra.h"
#include "model/bigrams.h"
#include "model/feature.h"
#include "model/keys.h"
#include "reprise/error.h"

namespace reprise {
namespace {

// Songs of a group: positions in the list of train songs.
using Groups = std::map<std::string_view, std::vector<std::int64_t>>;

Groups group(const std::vector<std::string>& names, const std::vector<std::int64_t>& songs) {
  Groups groups;
  for (std::size_t i = 0; i < songs.size(); ++i)
    groups[names[songs[i]]].push_back(static_cast<std::int64_t>(i));
  return groups;
}

// The train songs, or of more than kMostSongs whole works up to so many, drawn by their ids: what
// is fitted on them takes kMostSongs x dims floats of memory however large the set is.
std::vector<std::int64_t> songs_to_fit(const SongSet& set) {
  constexpr std::size_t kMostSongs = 20000;
  std::vector<std::int64_t> songs = set.songs_of("train");
  if (songs.size() <= kMostSongs) return songs;
  std::vector<std::pair<std::uint64_t, std::int64_t>> drawn;  // works in random order
  for (const std::int64_t song : songs)
    drawn.emplace_back(Checksum().add(std::string_view(set.work_id[song])).value(), song);
  std::sort(drawn.begin(), drawn.end());
  std::size_t end = kMostSongs;
  while (end > 0 && drawn[end].first == drawn[end - 1].first) --end;
  songs.clear();
  for (std::size_t i = 0; i < end; ++i) songs.push_back(drawn[i].second);
  std::sort(songs.begin(), songs.end());
  return songs;
}

// Bigrams [songs, dims] of the train songs, the songs of a work in one key: the best key of the
// first (or its own, where models know no canonical key), the others aligned with it.
std::vector<float> aligned_bigrams(Backend& backend, const SongSet& set, const Model& model,
                                   const std::vector<std::int64_t>& songs, const Groups& works) {
  std::vector<int> rolls(songs.size());
  for (const auto& [work, members] : works) {
    const PitchHistogram first = pitch_histogram(set, songs[members[0]]);
    const int roll =
        model.config.key_mode == KeyMode::canonical ? best_roll(first, model.key_template) : 0;
    const PitchHistogram reference = rolled(first, roll);
    for (const std::int64_t i : members)
      rolls[i] = i == members[0] ? roll : best_roll(pitch_histogram(set, songs[i]), reference);
  }
  const ModelBigrams bigrams(backend, model);
  std::vector<float> rows(songs.size() * bigrams.dims());
  for_each_feature_batch(
      backend, set, songs, model.config.feature,
      [&](ChromaView chroma, std::span<const Excerpt> excerpts, std::size_t first) {
        std::vector<Excerpt> items(excerpts.begin(), excerpts.end());
        for (std::size_t i = 0; i < items.size(); ++i) items[i].roll = rolls[first + i];
        bigrams.compute(chroma, items)
            .download(
                std::span(rows).subspan(first * bigrams.dims(), items.size() * bigrams.dims()));
      });
  return rows;
}

// Covariance [dims, dims] of rows about the mean of their group; empty where no group has two.
std::vector<double> within_covariance(const std::vector<float>& rows, int dims,
                                      const Groups& groups) {
  std::vector<double> transposed;  // [dims, deviations]
  std::int64_t count = 0, freedom = 0;
  for (const auto& [name, members] : groups)
    if (members.size() > 1) {
      count += static_cast<std::int64_t>(members.size());
      freedom += static_cast<std::int64_t>(members.size()) - 1;
    }
  if (freedom == 0) return {};
  transposed.resize(static_cast<std::size_t>(count) * dims);
  std::int64_t column = 0;
  for (const auto& [name, members] : groups) {
    if (members.size() < 2) continue;
    const auto size = static_cast<double>(members.size());
    for (int d = 0; d < dims; ++d) {
      double mean = 0;
      for (const std::int64_t i : members) mean += double{rows[i * dims + d]} / size;
      for (std::size_t m = 0; m < members.size(); ++m)
        transposed[d * count + column + static_cast<std::int64_t>(m)] =
            double{rows[members[m] * dims + d]} - mean;
    }
    column += static_cast<std::int64_t>(members.size());
  }
  std::vector<double> covariance(static_cast<std::size_t>(dims) * dims);
  multiply_transposed(transposed.data(), transposed.data(), dims, dims, count, covariance.data());
  for (double& value : covariance) value /= static_cast<double>(freedom);
  return covariance;
}

}  // namespace

void check_projection(const SongSet& set, const Config& config) {
  const auto songs = static_cast<std::int64_t>(songs_to_fit(set).size());
  const int most = std::max(config.projection_pca, config.projection);
  if (config.projection > 0 && songs <= most)
    throw InputError(fmt::format(
        "{}: expected more than {} train songs to fit a projection to {}, found {}: lower "
        "projection and projection_pca",
        set.path, most, config.projection, songs));
}

void fit_projection(Backend& backend, const SongSet& set, Model& model) {
  const Config& config = model.config;
  model.projection_weight.clear();
  model.projection_bias.clear();
  check_projection(set, config);
  if (config.projection == 0) return;
  const std::vector<std::int64_t> songs = songs_to_fit(set);
  const int out_dims = config.projection;
  const int pca_dims = std::max(config.projection_pca, out_dims);

  const Groups works = group(set.work_id, songs);
  const std::vector<float> bigrams = aligned_bigrams(backend, set, model, songs, works);
  const int in_dims = model.bigrams();
  const auto count = static_cast<std::int64_t>(songs.size());
  const Pca pca = fit_pca(bigrams.data(), count, in_dims, pca_dims);
  std::vector<double> projection = pca.vectors;  // [rows, in_dims]

  if (config.projection_pca > 0) {
    std::vector<float> reduced(static_cast<std::size_t>(count) * pca_dims);
    pca.project(bigrams.data(), count, reduced.data());
    std::vector<double> within = within_covariance(reduced, pca_dims, works);
    if (within.empty())
      throw InputError(
          fmt::format("{}: expected a train work with two songs, found none", set.path));
    if (!set.tune_id.empty()) {
      // Half for how versions of a work differ, half for how performances of one tune do.
      const std::vector<double> tune =
          within_covariance(reduced, pca_dims, group(set.tune_id, songs));
      if (!tune.empty())
        for (std::size_t i = 0; i < within.size(); ++i) within[i] = (within[i] + tune[i]) / 2;
    }
    double trace = 0;
    for (int i = 0; i < pca_dims; ++i) trace += within[i * pca_dims + i];
    for (int i = 0; i < pca_dims; ++i)
      within[i * pca_dims + i] += config.projection_shrinkage * trace / pca_dims;
    const std::vector<double> whitening = inverse_square_root(within, pca_dims);

    std::vector<float> white(reduced.size());
    for (std::int64_t i = 0; i < count; ++i)
      for (int d = 0; d < pca_dims; ++d) {
        double sum = 0;
        for (int e = 0; e < pca_dims; ++e)
          sum += whitening[d * pca_dims + e] * double{reduced[i * pca_dims + e]};
        white[i * pca_dims + d] = static_cast<float>(sum);
      }
    const Pca last = fit_pca(white.data(), count, pca_dims, out_dims);
    std::vector<double> rotation(static_cast<std::size_t>(out_dims) * pca_dims);
    multiply(last.vectors.data(), whitening.data(), out_dims, pca_dims, pca_dims, rotation.data());
    projection.resize(static_cast<std::size_t>(out_dims) * in_dims);
    multiply(rotation.data(), pca.vectors.data(), out_dims, in_dims, pca_dims, projection.data());
  }

  model.projection_weight.assign(projection.begin(), projection.end());
  model.projection_bias.resize(out_dims);
  for (int d = 0; d < out_dims; ++d) {
    double sum = 0;
    for (int i = 0; i < in_dims; ++i)
      sum += projection[std::int64_t{d} * in_dims + i] * pca.mean[i];
    model.projection_bias[d] = static_cast<float>(-sum);
  }
}

}  // namespace reprise
