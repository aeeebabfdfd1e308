#include "core/lines.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise {

bool Lines::next(std::string& line) {
  line.clear();
  std::streambuf& buffer = *in_.rdbuf();
  int c = buffer.sbumpc();
  if (c == std::char_traits<char>::eof()) return false;
  ++number_;
  for (; c != std::char_traits<char>::eof() && c != '\n'; c = buffer.sbumpc()) {
    if (line.size() == longest_)
      throw Error(fmt::format("{}: line {}: expected at most {} bytes, found more", path_, number_,
                              longest_));
    line += static_cast<char>(c);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  return true;
}

void Lines::fail(std::string_view expected, std::string_view found) const {
  throw Error(
      fmt::format("{}: line {}: expected {}, found {}", path_, number_, expected, quote(found)));
}

std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[++i];
    else if (c == '"' && (quoted || fields.back().empty()))
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

bool parse_numbers(std::string_view line, char separator, std::vector<float>& values) {
  values.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  const auto skip_spaces = [&] {
    while (at < end && (*at == ' ' || *at == '\t') && *at != separator) ++at;
  };
  while (true) {
    skip_spaces();
    if (at == end) return true;
    float value = 0;
    const auto [stop, status] = std::from_chars(at, end, value);
    if (status == std::errc::result_out_of_range && stop != at)
      value = 0;  // too small to tell from zero, or infinite: told apart below
    else if (status != std::errc())
      return false;
    if (status == std::errc::result_out_of_range) {
      double wide = 0;
      const auto again = std::from_chars(at, end, wide);
      if (again.ec != std::errc() || std::abs(wide) > 1) return false;
    }
    if (!std::isfinite(value)) return false;
    values.push_back(value);
    at = stop;
    skip_spaces();
    if (at == end) return true;
    if (*at++ != separator) return false;
  }
}

}  // namespace reprise
