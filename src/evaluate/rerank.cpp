#include "reprise/rerank.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "core/logistic.h"

namespace reprise {
namespace {

// Queries whose candidates are in the back end's memory at once.
constexpr std::size_t kQueries = 128;

// Whole songs of a set in the back end's memory.
class Songs {
 public:
  Songs(Backend& backend, const SongSet& set, std::span<const std::int64_t> songs)
      : type_(set.type), chroma_(backend, bytes(set, songs)), excerpts_(backend, 0) {
    const std::size_t row = row_bytes(set);
    const auto* data = static_cast<const std::uint8_t*>(set.chroma().data);
    std::vector<std::uint8_t> chroma;
    chroma.reserve(static_cast<std::size_t>(chroma_.size()));
    std::vector<Excerpt> excerpts;
    for (const std::int64_t song : songs) {
      excerpts.push_back({frames_, static_cast<std::int32_t>(set.frames(song)), 0});
      frames_ += set.frames(song);
      chroma.insert(chroma.end(), data + set.offsets[song] * row,
                    data + set.offsets[song + 1] * row);
    }
    chroma_.upload(chroma);
    excerpts_ = Buffer<Excerpt>(backend, std::span<const Excerpt>(excerpts));
  }
  ChromaView chroma() const { return {chroma_.data(), type_, frames_}; }
  const Excerpt* excerpts() const { return excerpts_.data(); }
  std::int64_t count() const { return excerpts_.size(); }

 private:
  static std::size_t row_bytes(const SongSet& set) {
    return kPitchClasses * (set.type == ChromaType::uint8 ? 1 : sizeof(float));
  }
  static std::int64_t bytes(const SongSet& set, std::span<const std::int64_t> songs) {
    std::int64_t frames = 0;
    for (const std::int64_t song : songs) frames += set.frames(song);
    return frames * static_cast<std::int64_t>(row_bytes(set));
  }

  ChromaType type_;
  std::int64_t frames_ = 0;
  Buffer<std::uint8_t> chroma_;
  Buffer<Excerpt> excerpts_;
};

std::span<Match> first(std::vector<Match>& matches, int k) {
  return std::span(matches).first(std::min(matches.size(), static_cast<std::size_t>(k)));
}

// Sets the alignment score of the first k matches of each query.
void align_matches(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
                   const SongSet& catalogue, std::span<const std::int64_t> candidates, int k,
                   std::vector<std::vector<Match>>& matches) {
  for (std::size_t begin = 0; begin < songs.size(); begin += kQueries) {
    const std::size_t count = std::min(kQueries, songs.size() - begin);
    std::map<std::int64_t, std::int32_t> numbers;  // of candidates, in the order of `needed`
    std::vector<std::int64_t> needed;
    std::vector<AlignmentPair> pairs;
    for (std::size_t q = 0; q < count; ++q)
      for (const Match& match : first(matches[begin + q], k)) {
        const auto [at, is_new] =
            numbers.try_emplace(match.candidate, static_cast<std::int32_t>(needed.size()));
        if (is_new) needed.push_back(candidates[match.candidate]);
        pairs.push_back({static_cast<std::int32_t>(q), at->second, match.transposition});
      }
    const Songs queries(backend, asked, songs.subspan(begin, count));
    const Songs others(backend, catalogue, needed);
    const Buffer<AlignmentPair> on_device(backend, std::span<const AlignmentPair>(pairs));
    Buffer<float> scores(backend, on_device.size());
    backend.align(queries.chroma(), queries.excerpts(), queries.count(), others.chroma(),
                  others.excerpts(), others.count(), on_device.data(), on_device.size(), {},
                  scores.data());
    const std::vector<float> found = scores.download();
    auto score = found.begin();
    for (std::size_t q = 0; q < count; ++q)
      for (Match& match : first(matches[begin + q], k)) match.alignment = *score++;
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

}  // namespace

double Confidence::of_alignment(double cosine_similarity, double alignment,
                                std::int64_t query_frames, std::int64_t candidate_frames) const {
  return double{fused[0]} * cosine_similarity + double{fused[1]} * std::log1p(alignment) -
         double{fused[2]} * log_frames(query_frames) -
         double{fused[3]} * log_frames(candidate_frames) - double{fused[4]};
}

double Confidence::of_cosine(double cosine_similarity) const {
  return double{cosine[0]} * cosine_similarity - double{cosine[1]};
}

Confidence fit_confidence(Backend& backend, const SongSet& set, const Protocol& protocol,
                          FingerprintMethod& method) {
  std::vector<std::int64_t> songs;
  for (const std::int64_t query : protocol.queries) songs.push_back(protocol.candidates[query]);
  const Index index(backend, method.compute(set, protocol.candidates, Keys::candidate));
  auto matches = index.search(method.compute(set, songs, Keys::query), kRerank + 1);
  for (std::size_t q = 0; q < songs.size(); ++q)
    std::erase_if(matches[q], [&](const Match& m) { return m.candidate == protocol.queries[q]; });
  align_matches(backend, set, songs, set, protocol.candidates, kRerank, matches);

  std::vector<double> fused, cosine;  // [pairs, 4] and [pairs, 1]
  std::vector<std::uint8_t> labels;
  for (std::size_t q = 0; q < songs.size(); ++q)
    for (const Match& match : first(matches[q], kRerank)) {
      fused.insert(fused.end(), {double{match.score}, std::log1p(double{match.alignment}),
                                 log_frames(set.frames(songs[q])),
                                 log_frames(set.frames(protocol.candidates[match.candidate]))});
      cosine.push_back(double{match.score});
      labels.push_back(std::binary_search(protocol.versions[q].begin(), protocol.versions[q].end(),
                                          match.candidate));
    }
  return {as_floats(fit_logistic(fused, 4, labels)), as_floats(fit_logistic(cosine, 1, labels))};
}

void rerank(Backend& backend, const SongSet& asked, std::span<const std::int64_t> songs,
            const SongSet& catalogue, std::span<const std::int64_t> candidates,
            const Confidence& confidence, int k, std::vector<std::vector<Match>>& matches) {
  align_matches(backend, asked, songs, catalogue, candidates, k, matches);
  for (std::size_t q = 0; q < songs.size(); ++q) {
    const std::span<Match> some = first(matches[q], k);
    for (Match& match : some)
      match.log_odds = confidence.of_alignment(double{match.score}, double{match.alignment},
                                               asked.frames(songs[q]),
                                               catalogue.frames(candidates[match.candidate]));
    std::stable_sort(some.begin(), some.end(),
                     [](const Match& a, const Match& b) { return a.log_odds > b.log_odds; });
  }
}

}  // namespace reprise
