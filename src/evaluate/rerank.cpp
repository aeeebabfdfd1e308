#include "reprise/rerank.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "core/linear_algebra.h"
#include "core/logistic.h"
#include "evaluate/cohort.h"
#include "evaluate/summary.h"
#include "model/songs_on_device.h"
#include "reprise/qmax.h"

namespace reprise {
namespace {

// Queries whose candidates are in the back end's memory at once.
constexpr std::size_t kQueries = 128;

// Songs of a set.
struct Songs {
  const SongSet* set;
  std::vector<std::int64_t> numbers;
};

// The same at half the frame rate: means of two frames; a last one without a second stays.
SongSet half_rate(const Songs& songs) {
  const ChromaView chroma = songs.set->chroma();
  SongSet halves;
  halves.bands = songs.set->bands;
  for (const std::int64_t song : songs.numbers) {
    const Excerpt whole = songs.set->whole(song);
    const std::int64_t end = whole.first + whole.frames;
    for (std::int64_t t = whole.first; t < end; t += 2)
      for (int c = 0; c < halves.width(); ++c)
        halves.chroma_float.push_back((chroma.at(t, c) + chroma.at(std::min(t + 1, end - 1), c)) /
                                      2);
    halves.offsets.push_back(halves.offsets.back() + (whole.frames + 1) / 2);
  }
  return halves;
}

std::vector<std::int64_t> first_numbers(std::size_t count) {
  std::vector<std::int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<float> row_z_scores(Backend& backend, const Songs& queries, const Songs& candidates,
                                const std::vector<AlignmentPair>& pairs) {
  const SongsOnDevice asked(backend, *queries.set, queries.numbers),
      others(backend, *candidates.set, candidates.numbers);
  const Buffer<Excerpt> asked_rows(backend, asked.excerpts()),
      other_rows(backend, others.excerpts());
  const Buffer<AlignmentPair> on_device(backend, std::span<const AlignmentPair>(pairs));
  Buffer<float> scores(backend, on_device.size());
  backend.run(ops::Align{.queries = {asked.chroma(), asked_rows.data(), asked_rows.size()},
                         .candidates = {others.chroma(), other_rows.data(), other_rows.size()},
                         .pairs = on_device.data(),
                         .count = on_device.size(),
                         .scores = scores.data()});
  return scores.download();
}

std::vector<float> half_scores(Backend& backend, const Songs& queries, const Songs& candidates,
                               const std::vector<AlignmentPair>& pairs) {
  const SongSet asked = half_rate(queries), others = half_rate(candidates);
  return row_z_scores(backend, {&asked, first_numbers(queries.numbers.size())},
                      {&others, first_numbers(candidates.numbers.size())}, pairs);
}

std::vector<float> qmax_scores(const Songs& queries, const Songs& candidates,
                               const std::vector<AlignmentPair>& pairs) {
  std::vector<float> scores;
  for (const AlignmentPair& pair : pairs)
    scores.push_back(
        qmax(queries.set->chroma(), queries.set->whole(queries.numbers[pair.query], pair.roll),
             candidates.set->chroma(), candidates.set->whole(candidates.numbers[pair.candidate])));
  return scores;
}

std::span<Match> first(std::vector<Match>& matches, int k) {
  return std::span(matches).first(std::min(matches.size(), static_cast<std::size_t>(k)));
}

// Sets the alignment score of the first k matches of each query. load: the songs that matches name,
// given each of them once; valid until it is called again.
void align_matches(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
                   const std::function<Songs(std::span<const std::int64_t>)>& load,
                   const RerankOptions& options, std::vector<std::vector<Match>>& matches) {
  for (std::size_t begin = 0; begin < songs.size(); begin += kQueries) {
    const auto some = songs.subspan(begin, std::min(kQueries, songs.size() - begin));
    std::unordered_map<std::int64_t, std::int32_t> places;  // of candidates, in `needed`
    std::vector<std::int64_t> needed;
    std::vector<AlignmentPair> pairs;
    for (std::size_t q = 0; q < some.size(); ++q)
      for (const Match& match : first(matches[begin + q], options.k)) {
        const auto [at, is_new] =
            places.try_emplace(match.candidate, static_cast<std::int32_t>(needed.size()));
        if (is_new) needed.push_back(match.candidate);
        pairs.push_back({static_cast<std::int32_t>(q), at->second, match.transposition});
      }
    const Songs queries{&asked, {some.begin(), some.end()}}, candidates = load(needed);
    const std::vector<float> found = options.aligner == Aligner::qmax
                                         ? qmax_scores(queries, candidates, pairs)
                                     : options.aligner == Aligner::row_z_half
                                         ? half_scores(backend, queries, candidates, pairs)
                                         : row_z_scores(backend, queries, candidates, pairs);
    auto score = found.begin();
    for (std::size_t q = 0; q < some.size(); ++q)
      for (Match& match : first(matches[begin + q], options.k)) match.alignment = *score++;
  }
}

// What load() is where candidates are songs of a set.
std::function<Songs(std::span<const std::int64_t>)> songs_of(
    const SongSet& set, std::span<const std::int64_t> candidates) {
  return [&set, candidates](std::span<const std::int64_t> needed) {
    Songs songs{&set, {}};
    for (const std::int64_t candidate : needed) songs.numbers.push_back(candidates[candidate]);
    return songs;
  };
}

// Sets log odds of the first k matches of each query from both scores, and orders them by those.
void order_matches(const SongSet& asked, std::span<const std::int64_t> songs,
                   const std::function<std::int64_t(std::int64_t)>& frames,
                   const ScoreCalibration& calibration, const RerankOptions& options,
                   std::vector<std::vector<Match>>& matches) {
  for (std::size_t q = 0; q < songs.size(); ++q) {
    const std::span<Match> some = first(matches[q], options.k);
    for (Match& match : some)
      match.log_odds = calibration.log_odds_aligned(options.aligner, double{match.score},
                                                    double{match.alignment}, asked.frames(songs[q]),
                                                    frames(match.candidate));
    std::stable_sort(some.begin(), some.end(),
                     [](const Match& a, const Match& b) { return a.log_odds > b.log_odds; });
  }
}

double log_frames(std::int64_t frames) {
  return std::log(static_cast<double>(frames));
}

std::vector<float> as_floats(std::vector<double> weights) {
  // Written as what is subtracted.
  for (std::size_t i = weights.size() == 5 ? 2 : 1; i < weights.size(); ++i)
    weights[i] = -weights[i];
  return {weights.begin(), weights.end()};
}

// At most this many songs, each of another work, spread over the set's train songs.
std::vector<std::int64_t> cohort_songs(const SongSet& set) {
  constexpr std::size_t kMost = 400;
  std::map<std::string_view, std::int64_t> first_of_work;
  for (const std::int64_t song : set.songs_of("train"))
    first_of_work.try_emplace(set.work_id[song], song);
  std::vector<std::int64_t> songs;
  for (const auto& [work, song] : first_of_work) songs.push_back(song);
  std::sort(songs.begin(), songs.end());
  if (songs.size() <= kMost) return songs;
  std::vector<std::int64_t> spread;
  for (std::size_t i = 0; i < kMost; ++i) spread.push_back(songs[i * songs.size() / kMost]);
  return spread;
}

// z of every match, one query after another; the cosine as it is without a cohort.
std::vector<double> normalised_cosines(Backend& backend, const ScoreCalibration& calibration,
                                       const Fingerprints& queries, const Index& index,
                                       const std::vector<std::vector<Match>>& matches) {
  std::vector<std::int64_t> found;
  for (const std::vector<Match>& of_query : matches)
    for (const Match& match : of_query) found.push_back(match.candidate);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<Cohort::Statistics> of_queries, of_found;
  if (!calibration.cohort.empty()) {
    const Cohort cohort(backend, calibration.cohort, queries.dims);
    of_queries = cohort.statistics(queries);
    of_found = cohort.statistics(index.candidates(found));
  }
  std::vector<double> z;
  for (std::size_t q = 0; q < matches.size(); ++q)
    for (const Match& match : matches[q]) {
      const auto at = std::lower_bound(found.begin(), found.end(), match.candidate) - found.begin();
      z.push_back(of_found.empty()
                      ? double{match.score}
                      : Cohort::normalised(double{match.score}, of_queries[q], of_found[at]));
    }
  return z;
}

}  // namespace

ScoreCalibration fit_calibration(Backend& backend, const SongSet& set, const Protocol& protocol,
                                 Fingerprinter& method, std::span<const Aligner> aligners) {
  ScoreCalibration calibration;
  if (const std::vector<std::int64_t> songs = cohort_songs(set); !songs.empty()) {
    calibration.cohort = method.compute(set, songs, Keys::candidate).values;
    scale_to_unit(calibration.cohort, method.dims());
  }
  std::vector<std::int64_t> songs;
  for (const std::int64_t query : protocol.queries) songs.push_back(protocol.candidates[query]);
  const Index index(backend, method.compute(set, protocol.candidates, Keys::candidate));
  const Fingerprints queries = method.compute(set, songs, Keys::query);
  auto matches = other_answers(index, queries, protocol, 0, kRerank);
  std::vector<std::uint8_t> labels;
  for (std::size_t q = 0; q < songs.size(); ++q)
    for (const Match& match : matches[q])
      labels.push_back(std::binary_search(protocol.versions[q].begin(), protocol.versions[q].end(),
                                          match.candidate));
  calibration.cosine = as_floats(
      fit_logistic(normalised_cosines(backend, calibration, queries, index, matches), 1, labels));

  for (const Aligner aligner : aligners) {
    align_matches(backend, set, songs, songs_of(set, protocol.candidates), {kRerank, aligner},
                  matches);
    std::vector<double> rows;  // [pairs, 4]
    for (std::size_t q = 0; q < songs.size(); ++q)
      for (const Match& match : matches[q])
        rows.insert(rows.end(), {double{match.score}, std::log1p(double{match.alignment}),
                                 log_frames(set.frames(songs[q])),
                                 log_frames(set.frames(protocol.candidates[match.candidate]))});
    calibration.fused[static_cast<int>(aligner)] = as_floats(fit_logistic(rows, 4, labels));
  }
  return calibration;
}

void set_log_odds(Backend& backend, const ScoreCalibration& calibration,
                  const Fingerprints& queries, const Index& index,
                  std::vector<std::vector<Match>>& matches) {
  const std::vector<double> z = normalised_cosines(backend, calibration, queries, index, matches);
  auto next = z.begin();
  for (std::vector<Match>& of_query : matches)
    for (Match& match : of_query) match.log_odds = calibration.log_odds_unaligned(*next++);
}

void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const ScoreCalibration& calibration, const RerankOptions& options,
            std::vector<std::vector<Match>>& matches) {
  align_matches(backend, asked, songs, songs_of(catalogue, candidates), options, matches);
  order_matches(
      asked, songs, [&](std::int64_t candidate) { return catalogue.frames(candidates[candidate]); },
      calibration, options, matches);
}

void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const RerankCandidates& candidates, const ScoreCalibration& calibration,
            const RerankOptions& options, std::vector<std::vector<Match>>& matches) {
  SongSet read;
  const auto load = [&](std::span<const std::int64_t> needed) {
    read = candidates.songs(needed);
    return Songs{&read, first_numbers(needed.size())};
  };
  align_matches(backend, asked, songs, load, options, matches);
  order_matches(asked, songs, candidates.frames, calibration, options, matches);
}

}  // namespace reprise
