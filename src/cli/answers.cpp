#include "cli/answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/logistic.h"

namespace reprise::cli {

AnswerPrinter::AnswerPrinter(AnswerFormat format, bool sure) : format_(format), sure_(sure) {
  if (format == AnswerFormat::json) fmt::print("{{\n \"queries\": [");
  if (format == AnswerFormat::tsv)
    fmt::print("query\trank\tsong_id\twork_id\ttitle\tartist\tscore\tprobability\ttransposition\n");
}

void AnswerPrinter::print(const CatalogueSong& query, std::span<const Match> matches,
                          std::span<const CatalogueSong> songs) {
  if (format_ == AnswerFormat::json)
    print_json(query, matches, songs);
  else if (format_ == AnswerFormat::tsv)
    print_tsv(query, matches, songs);
  else
    print_text(query, matches, songs);
  ++queries_;
}

void AnswerPrinter::finish() {
  if (format_ == AnswerFormat::json) fmt::print("\n ]\n}}\n");
  if (format_ == AnswerFormat::text)
    fmt::print(
        "\ncolumns: rank, probability of a version, similarity, semitones the query must move to "
        "match; * same work\n");
}

void AnswerPrinter::print_json(const CatalogueSong& query, std::span<const Match> matches,
                               std::span<const CatalogueSong> songs) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const Match& m : matches) {
    const CatalogueSong& song = songs[m.candidate];
    all.push_back({{"song_id", song.song_id},
                   {"work_id", song.work_id},
                   {"title", song.title},
                   {"score", m.score},
                   {"probability", sure_ ? Json(probability_of(m.log_odds)) : Json(nullptr)},
                   {"transposition", m.transposition}});
  }
  const Json answer{{"query", query.song_id}, {"matches", std::move(all)}};
  fmt::print("{}\n{}", queries_ > 0 ? "," : "",
             answer.dump(1, ' ', false, Json::error_handler_t::replace));
}

void AnswerPrinter::print_tsv(const CatalogueSong& query, std::span<const Match> matches,
                              std::span<const CatalogueSong> songs) {
  int rank = 0;
  for (const Match& m : matches) {
    const CatalogueSong& song = songs[m.candidate];
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{:.6f}\t{}\t{}\n", tsv_field(query.song_id), ++rank,
               tsv_field(song.song_id), tsv_field(song.work_id), tsv_field(song.title),
               tsv_field(song.artist), m.score,
               sure_ ? fmt::format("{:.6f}", probability_of(m.log_odds)) : "", m.transposition);
  }
}

void AnswerPrinter::print_text(const CatalogueSong& query, std::span<const Match> matches,
                               std::span<const CatalogueSong> songs) {
  fmt::print("{}{}  {}  {}\n", queries_ > 0 ? "\n" : "", query.song_id, query.title, query.artist);
  int rank = 0;
  for (const Match& m : matches) {
    const CatalogueSong& song = songs[m.candidate];
    fmt::print("{:>4}  {}  {:.3f}  {:>3}  {} {:<28}  {}  ({})\n", ++rank,
               sure_ ? fmt::format("{:5.1f} %", 100 * probability_of(m.log_odds)) : "      -",
               m.score, transposition_text(m.transposition),
               song.work_id == query.work_id ? "*" : " ", song.title, song.artist, song.song_id);
  }
}

}  // namespace reprise::cli
