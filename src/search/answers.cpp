#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reprise/searcher.h"
#include "reprise/text.h"

namespace reprise {

std::string query_json(const QueryResult& result) {
  using Json = nlohmann::ordered_json;
  Json matches = Json::array();
  for (const FoundSong& song : result.found)
    matches.push_back({{"song_id", song.song_id},
                       {"work_id", song.work_id},
                       {"title", song.title},
                       {"score", song.score},
                       {"probability", song.probability ? Json(*song.probability) : Json(nullptr)},
                       {"transposition", song.transposition}});
  const Json answer{{"query", result.song_id}, {"matches", std::move(matches)}};
  return answer.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string query_tsv_header() {
  return "query\trank\tsong_id\twork_id\ttitle\tartist\tscore\tprobability\ttransposition\n";
}

std::string query_tsv(const QueryResult& result) {
  std::string lines;
  int rank = 0;
  for (const FoundSong& song : result.found)
    lines += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{:.6f}\t{}\t{}\n", tsv_field(result.song_id),
                         ++rank, tsv_field(song.song_id), tsv_field(song.work_id),
                         tsv_field(song.title), tsv_field(song.artist), song.score,
                         song.probability ? fmt::format("{:.6f}", *song.probability) : "",
                         song.transposition);
  return lines;
}

}  // namespace reprise
