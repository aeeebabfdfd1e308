#include "core/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

/// Takes one record off the front of `text`; `line` goes to the line after it.
std::vector<std::string> take_record(std::string_view& text, std::size_t& line,
                                     const std::string& path) {
  const std::size_t first_line = line;
  std::vector<std::string> fields(1);
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++i;
      break;
    } else if (c != '\r' || (i + 1 < text.size() && text[i + 1] != '\n')) {
      fields.back() += c;
    }
  }
  if (quoted)
    throw InputError(
        fmt::format("{}: line {}: expected a closing quote, found none", path, first_line));
  text.remove_prefix(i);
  return fields;
}

}  // namespace

Csv Csv::parse(std::string_view text, const std::string& path) {
  Csv csv;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_utf8(text))
    throw InputError(fmt::format("{}: expected UTF-8 text, found other bytes", path));
  std::size_t line = 1;
  while (!text.empty()) {
    const std::size_t first_line = line;
    std::vector<std::string> fields = take_record(text, line, path);
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (csv.columns.empty()) {
      csv.columns = std::move(fields);
      continue;
    }
    if (fields.size() != csv.columns.size())
      throw InputError(fmt::format("{}: line {}: expected {} fields, as in the header, found {}",
                                   path, first_line, csv.columns.size(), fields.size()));
    csv.rows.push_back(std::move(fields));
    csv.lines.push_back(first_line);
  }
  if (csv.columns.empty())
    throw InputError(fmt::format("{}: expected a header line, found none", path));
  for (const std::string& column : csv.columns)
    if (std::count(csv.columns.begin(), csv.columns.end(), column) > 1)
      throw InputError(
          fmt::format("{}: expected different columns, found {} twice", path, quote(column)));
  return csv;
}

std::size_t Csv::find(std::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  return found == columns.end() ? kNone : static_cast<std::size_t>(found - columns.begin());
}

}  // namespace reprise
