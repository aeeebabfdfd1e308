#include "reprise/comparison.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "reprise/error.h"

namespace reprise {

Comparison compare_songs(Backend& backend, const Model& model, const std::string& model_name,
                         SongSet two) {
  constexpr int kMostStretches = 8;
  if (two.songs() != 2)
    throw InputError(
        fmt::format("{}: expected two songs to compare, found {}", two.path, two.songs()));
  const std::int64_t first[] = {0}, second[] = {1};
  SearcherOptions any;
  any.any_chroma = true;
  Searcher searcher(backend, two.select(second), model, model_name, any);
  const SearchOptions options{.top = 1, .rerank = {1, Aligner::row_z}};
  Comparison result;
  result.second = searcher.find(two.select(first), options).at(0).found.at(0);
  result.alignment = align_songs(two.chroma(), two.whole(0, result.second.transposition),
                                 two.chroma(), two.whole(1), {}, kMostStretches);
  result.songs = std::move(two);
  return result;
}

std::string display_name(const SongSet& songs, std::int64_t song) {
  return songs.title.empty() || songs.title[song].empty() ? songs.song_id[song] : songs.title[song];
}

std::string transposition_text(int semitones_up) {
  return fmt::format("{:+}", semitones_up > 6 ? semitones_up - 12 : semitones_up);
}

std::string comparison_summary(const Comparison& comparison) {
  const FoundSong& found = comparison.second;
  return fmt::format("{}: probability {:.1f} %, similarity {:.3f}, alignment {:.1f}, {} semitones",
                     comparison.cover() ? "a cover" : "no cover", 100 * *found.probability,
                     found.score, found.alignment, transposition_text(found.transposition));
}

std::string comparison_json(const Comparison& comparison) {
  using Json = nlohmann::ordered_json;
  Json stretches = Json::array();
  for (const Stretch& s : comparison.alignment.stretches)
    stretches.push_back({{"score", s.score},
                         {"a", {s.path.front().first, s.path.back().first + 1}},
                         {"b", {s.path.front().second, s.path.back().second + 1}}});
  const SongSet& songs = comparison.songs;
  const FoundSong& found = comparison.second;
  const Json out{{"a", songs.song_id[0]},
                 {"b", songs.song_id[1]},
                 {"cover", comparison.cover()},
                 {"probability", *found.probability},
                 {"score", found.score},
                 {"alignment", found.alignment},
                 {"transposition", found.transposition},
                 {"frames_per_second",
                  songs.frames_per_second > 0 ? Json(songs.frames_per_second) : Json(nullptr)},
                 {"stretches", std::move(stretches)}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string comparison_svg(const Comparison& comparison) {
  const SongSet& songs = comparison.songs;
  return comparison_svg(
      {display_name(songs, 0), display_name(songs, 1), comparison_summary(comparison),
       songs.chroma(), songs.chroma(), songs.whole(0, comparison.second.transposition),
       songs.whole(1), songs.frames_per_second},
      comparison.alignment);
}

}  // namespace reprise
