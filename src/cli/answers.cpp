#include "cli/answers.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "reprise/comparison.h"

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

AnswerPrinter::AnswerPrinter(AnswerFormat format) : format_(format) {
  if (format == AnswerFormat::json) fmt::print("{{\n \"queries\": [");
  if (format == AnswerFormat::tsv) fmt::print("{}", query_tsv_header());
}

void AnswerPrinter::print(const QueryResult& result) {
  if (format_ == AnswerFormat::json)
    fmt::print("{}\n{}", queries_ > 0 ? "," : "", query_json(result));
  else if (format_ == AnswerFormat::tsv)
    fmt::print("{}", query_tsv(result));
  else
    print_text(result);
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

void AnswerPrinter::print_text(const QueryResult& result) {
  fmt::print("{}{}\n", queries_ > 0 ? "\n" : "",
             to_utf8(fmt::format("{}  {}  {}", result.song_id, result.title, result.artist)));
  std::vector<std::string> titles, artists;
  for (const FoundSong& song : result.found) {
    titles.push_back(song.title);
    artists.push_back(song.artist);
  }
  titles = column_of(std::move(titles));
  artists = column_of(std::move(artists));
  for (std::size_t i = 0; i < result.found.size(); ++i) {
    const FoundSong& song = result.found[i];
    fmt::print("{:>4}  {} {:>6.3f}  {:>3}  {} {}  {}  ({})\n", i + 1,
               song.probability ? fmt::format("{:5.1f} %", 100 * *song.probability) : "      -",
               song.score, transposition_text(song.transposition),
               song.work_id == result.work_id ? "*" : " ", titles[i], artists[i],
               to_utf8(song.song_id));
  }
  if (result.found.empty()) fmt::print("      no answers\n");
}

}  // namespace reprise::cli
