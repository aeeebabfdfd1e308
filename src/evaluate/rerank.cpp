#include "reprise/rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string_view>

#include "core/linear_algebra.h"
#include "core/logistic.h"
#include "evaluate/cohort.h"
#include "evaluate/summary.h"
#include "reprise/qmax.h"

namespace reprise {
namespace {

// Queries whose candidates are in the back end's memory at once.
constexpr std::size_t kQueries = 128;

// Whole songs of a set in host memory, one after another.
struct Gathered {
  ChromaView layout;  // of no frames
  std::vector<std::uint8_t> chroma;
  std::vector<Excerpt> excerpts;
};

Gathered gather(const SongSet& set, std::span<const std::int64_t> songs) {
  const auto row = static_cast<std::size_t>(set.bytes_of_frame());
  const auto* data = static_cast<const std::uint8_t*>(set.chroma().data);
  Gathered all{set.view_of(nullptr, 0), {}, {}};
  std::int64_t frames = 0;
  for (const std::int64_t song : songs) {
    all.excerpts.push_back({frames, static_cast<std::int32_t>(set.frames(song)), 0});
    frames += set.frames(song);
    all.chroma.insert(all.chroma.end(), data + set.offsets[song] * row,
                      data + set.offsets[song + 1] * row);
  }
  return all;
}

// The same at half the frame rate: means of two frames; a last one without a second stays.
Gathered gather_half(const SongSet& set, std::span<const std::int64_t> songs) {
  const ChromaView chroma = set.chroma();
  std::vector<float> halves;
  Gathered all{{nullptr, ChromaType::float32, 0, set.bands, set.width()}, {}, {}};
  std::int64_t frames = 0;
  for (const std::int64_t song : songs) {
    const auto half = static_cast<std::int32_t>((set.frames(song) + 1) / 2);
    all.excerpts.push_back({frames, half, 0});
    frames += half;
    for (std::int64_t t = set.offsets[song]; t < set.offsets[song + 1]; t += 2) {
      const std::int64_t next = std::min(t + 1, set.offsets[song + 1] - 1);
      for (int c = 0; c < set.width(); ++c)
        halves.push_back((chroma.at(t, c) + chroma.at(next, c)) / 2);
    }
  }
  all.chroma.resize(halves.size() * sizeof(float));
  std::memcpy(all.chroma.data(), halves.data(), all.chroma.size());
  return all;
}

// Gathered songs in the back end's memory.
class Songs {
 public:
  Songs(Backend& backend, const Gathered& songs)
      : layout_(songs.layout),
        frames_(songs.excerpts.empty()
                    ? 0
                    : songs.excerpts.back().first + songs.excerpts.back().frames),
        chroma_(backend, std::span<const std::uint8_t>(songs.chroma)),
        excerpts_(backend, std::span<const Excerpt>(songs.excerpts)) {}
  ChromaView chroma() const {
    return {chroma_.data(), layout_.type, frames_, layout_.bands, layout_.stride};
  }
  const Excerpt* excerpts() const { return excerpts_.data(); }
  std::int64_t count() const { return excerpts_.size(); }

 private:
  ChromaView layout_;
  std::int64_t frames_;
  Buffer<std::uint8_t> chroma_;
  Buffer<Excerpt> excerpts_;
};

std::vector<float> row_z_scores(Backend& backend, const Gathered& queries,
                                const Gathered& candidates,
                                const std::vector<AlignmentPair>& pairs) {
  const Songs asked(backend, queries), others(backend, candidates);
  const Buffer<AlignmentPair> on_device(backend, std::span<const AlignmentPair>(pairs));
  Buffer<float> scores(backend, on_device.size());
  backend.align(asked.chroma(), asked.excerpts(), asked.count(), others.chroma(), others.excerpts(),
                others.count(), on_device.data(), on_device.size(), {}, scores.data());
  return scores.download();
}

std::vector<float> qmax_scores(const SongSet& asked, std::span<const std::int64_t> songs,
                               const SongSet& catalogue, std::span<const std::int64_t> candidates,
                               const std::vector<AlignmentPair>& pairs) {
  std::vector<float> scores;
  for (const AlignmentPair& pair : pairs)
    scores.push_back(qmax(asked.chroma(), asked.whole(songs[pair.query], pair.roll),
                          catalogue.chroma(), catalogue.whole(candidates[pair.candidate])));
  return scores;
}

std::span<Match> first(std::vector<Match>& matches, int k) {
  return std::span(matches).first(std::min(matches.size(), static_cast<std::size_t>(k)));
}

// Sets the alignment score of the first k matches of each query.
void align_matches(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
                   const SongSet& catalogue, std::span<const std::int64_t> candidates,
                   const RerankOptions& options, std::vector<std::vector<Match>>& matches) {
  for (std::size_t begin = 0; begin < songs.size(); begin += kQueries) {
    const auto queries = songs.subspan(begin, std::min(kQueries, songs.size() - begin));
    std::map<std::int64_t, std::int32_t> numbers;  // of candidates, in the order of `needed`
    std::vector<std::int64_t> needed;
    std::vector<AlignmentPair> pairs;
    for (std::size_t q = 0; q < queries.size(); ++q)
      for (const Match& match : first(matches[begin + q], options.k)) {
        const auto [at, is_new] =
            numbers.try_emplace(match.candidate, static_cast<std::int32_t>(needed.size()));
        if (is_new) needed.push_back(candidates[match.candidate]);
        pairs.push_back({static_cast<std::int32_t>(q), at->second, match.transposition});
      }
    const auto gather_all = options.aligner == Aligner::row_z_half ? gather_half : gather;
    const std::vector<float> found = options.aligner == Aligner::qmax
                                         ? qmax_scores(asked, queries, catalogue, needed, pairs)
                                         : row_z_scores(backend, gather_all(asked, queries),
                                                        gather_all(catalogue, needed), pairs);
    auto score = found.begin();
    for (std::size_t q = 0; q < queries.size(); ++q)
      for (Match& match : first(matches[begin + q], options.k)) match.alignment = *score++;
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
std::vector<double> normalised_cosines(Backend& backend, const Confidence& confidence,
                                       const Fingerprints& queries, const Index& index,
                                       const std::vector<std::vector<Match>>& matches) {
  std::vector<std::int64_t> found;
  for (const std::vector<Match>& of_query : matches)
    for (const Match& match : of_query) found.push_back(match.candidate);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<Cohort::Statistics> of_queries, of_found;
  if (!confidence.cohort.empty()) {
    const Cohort cohort(backend, confidence.cohort, queries.dims);
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

std::string_view name_of(Aligner aligner) {
  constexpr std::string_view kNames[kAligners] = {"row-z", "row-z-half", "qmax"};
  return kNames[static_cast<int>(aligner)];
}

std::string alignment_definition() {
  constexpr AlignmentParams kParams;
  return fmt::format("states of {} frames, offset {}, cap {}", kStateFrames, kParams.offset,
                     kParams.cap);
}

double Confidence::of_alignment(Aligner aligner, double cosine_similarity, double alignment,
                                std::int64_t query_frames, std::int64_t candidate_frames) const {
  const std::vector<float>& w = fused[static_cast<int>(aligner)];
  return double{w[0]} * cosine_similarity + double{w[1]} * std::log1p(alignment) -
         double{w[2]} * log_frames(query_frames) - double{w[3]} * log_frames(candidate_frames) -
         double{w[4]};
}

double Confidence::of_cosine(double z) const {
  return double{cosine[0]} * z - double{cosine[1]};
}

Confidence fit_confidence(Backend& backend, const SongSet& set, const Protocol& protocol,
                          FingerprintMethod& method, std::span<const Aligner> aligners) {
  Confidence confidence;
  if (const std::vector<std::int64_t> songs = cohort_songs(set); !songs.empty()) {
    confidence.cohort = method.compute(set, songs, Keys::candidate).values;
    scale_to_unit(confidence.cohort, method.dims());
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
  confidence.cosine = as_floats(
      fit_logistic(normalised_cosines(backend, confidence, queries, index, matches), 1, labels));

  for (const Aligner aligner : aligners) {
    align_matches(backend, set, songs, set, protocol.candidates, {kRerank, aligner}, matches);
    std::vector<double> rows;  // [pairs, 4]
    for (std::size_t q = 0; q < songs.size(); ++q)
      for (const Match& match : matches[q])
        rows.insert(rows.end(), {double{match.score}, std::log1p(double{match.alignment}),
                                 log_frames(set.frames(songs[q])),
                                 log_frames(set.frames(protocol.candidates[match.candidate]))});
    confidence.fused[static_cast<int>(aligner)] = as_floats(fit_logistic(rows, 4, labels));
  }
  return confidence;
}

void judge(Backend& backend, const Confidence& confidence, const Fingerprints& queries,
           const Index& index, std::vector<std::vector<Match>>& matches) {
  const std::vector<double> z = normalised_cosines(backend, confidence, queries, index, matches);
  auto next = z.begin();
  for (std::vector<Match>& of_query : matches)
    for (Match& match : of_query) match.log_odds = confidence.of_cosine(*next++);
}

void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const Confidence& confidence, const RerankOptions& options,
            std::vector<std::vector<Match>>& matches) {
  align_matches(backend, asked, songs, catalogue, candidates, options, matches);
  for (std::size_t q = 0; q < songs.size(); ++q) {
    const std::span<Match> some = first(matches[q], options.k);
    for (Match& match : some)
      match.log_odds = confidence.of_alignment(options.aligner, double{match.score},
                                               double{match.alignment}, asked.frames(songs[q]),
                                               catalogue.frames(candidates[match.candidate]));
    std::stable_sort(some.begin(), some.end(),
                     [](const Match& a, const Match& b) { return a.log_odds > b.log_odds; });
  }
}

}  // namespace reprise
