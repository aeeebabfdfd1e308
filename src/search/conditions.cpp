#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/searcher.h"

namespace reprise {

bool SongCondition::met_by(const CatalogueSong& song) const {
  const std::string& value = song.*field;
  if (!contains) return value == text;
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(value.begin(), value.end(), text.begin(), text.end(), same) != value.end();
}

SongCondition parse_condition(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string CatalogueSong::*>, 4> kFields{
      {{"song_id", &CatalogueSong::song_id},
       {"work_id", &CatalogueSong::work_id},
       {"title", &CatalogueSong::title},
       {"artist", &CatalogueSong::artist}}};
  const std::size_t at = text.find_first_of("=~");
  const auto* field = std::find_if(kFields.begin(), kFields.end(), [&](const auto& known) {
    return known.first == text.substr(0, at);
  });
  if (at == std::string_view::npos || field == kFields.end())
    throw SettingsError(
        fmt::format("expected FIELD=TEXT or FIELD~TEXT, FIELD being song_id, work_id, title or "
                    "artist; found {}",
                    quote(text)));
  return {field->second, text[at] == '~', std::string(text.substr(at + 1))};
}

}  // namespace reprise
