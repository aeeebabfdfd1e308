#include "cli/song_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

using Field = std::string CatalogueSong::*;
constexpr std::array<std::pair<std::string_view, Field>, 4> kFields{
    {{"song_id", &CatalogueSong::song_id},
     {"work_id", &CatalogueSong::work_id},
     {"title", &CatalogueSong::title},
     {"artist", &CatalogueSong::artist}}};

struct Condition {
  Field field;
  bool contains;  // else equals
  std::string text;

  bool met_by(const CatalogueSong& song) const {
    const std::string& value = song.*field;
    if (!contains) return value == text;
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(value.begin(), value.end(), text.begin(), text.end(), same) != value.end();
  }
};

Condition condition_of(const std::string& text) {
  const std::size_t at = text.find_first_of("=~");
  const auto* field = std::find_if(kFields.begin(), kFields.end(), [&](const auto& known) {
    return known.first == text.substr(0, at);
  });
  if (at == std::string::npos || field == kFields.end())
    throw UsageError(
        fmt::format("--where: expected FIELD=TEXT or FIELD~TEXT, FIELD being song_id, work_id, "
                    "title or artist; found {}",
                    quote(text)));
  return {field->second, text[at] == '~', text.substr(at + 1)};
}

}  // namespace

void SongFilter::add_to(CLI::App& command) {
  command
      .add_option(
          "--where", conditions,
          "search only songs whose FIELD=TEXT (equal) or FIELD~TEXT (contains, ignoring case); "
          "FIELD is song_id, work_id, title or artist; repeatable")
      ->allow_extra_args(false);
}

std::vector<CatalogueSong> SongFilter::of(std::vector<CatalogueSong> songs) const {
  for (const std::string& text : conditions) {
    const Condition condition = condition_of(text);
    std::erase_if(songs, [&](const CatalogueSong& song) { return !condition.met_by(song); });
  }
  return songs;
}

}  // namespace reprise::cli
