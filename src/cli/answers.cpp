#include "cli/answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "core/logistic.h"
#include "core/text.h"

namespace reprise::cli {
namespace {

constexpr int kColumn = 40;  // of titles and artists, on a terminal

// Whether the text takes at most so many columns: where it does, there is room to fill.
bool fits(const std::string& text, int columns) {
  return fmt::format("{:<{}}", text, columns + 1).size() > text.size();
}

// The texts of a column on one line each, those too long cut, and filled up to the longest.
std::vector<std::string> column_of(std::vector<std::string> texts) {
  int width = 0;
  for (std::string& text : texts) {
    const std::string whole = to_utf8(text);
    text = whole;
    for (int characters = kColumn; !fits(text, kColumn); --characters)
      text = fmt::format("{:.{}}…", whole, characters);
    while (!fits(text, width)) ++width;
  }
  for (std::string& text : texts) text = fmt::format("{:<{}}", text, width);
  return texts;
}

}  // namespace

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
        "\ncolumns: rank, probability of being a version, similarity, semitones the query must "
        "move to "
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
  fmt::print("{}{}\n", queries_ > 0 ? "\n" : "",
             to_utf8(fmt::format("{}  {}  {}", query.song_id, query.title, query.artist)));
  std::vector<std::string> titles, artists;
  for (const Match& m : matches) {
    titles.push_back(songs[m.candidate].title);
    artists.push_back(songs[m.candidate].artist);
  }
  titles = column_of(std::move(titles));
  artists = column_of(std::move(artists));
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Match& m = matches[i];
    const CatalogueSong& song = songs[m.candidate];
    fmt::print("{:>4}  {} {:>6.3f}  {:>3}  {} {}  {}  ({})\n", i + 1,
               sure_ ? fmt::format("{:5.1f} %", 100 * probability_of(m.log_odds)) : "      -",
               m.score, transposition_text(m.transposition),
               song.work_id == query.work_id ? "*" : " ", titles[i], artists[i],
               to_utf8(song.song_id));
  }
  if (matches.empty()) fmt::print("      no answers\n");
}

}  // namespace reprise::cli
