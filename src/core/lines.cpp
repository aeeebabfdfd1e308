#include "core/lines.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

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
      throw InputError(fmt::format("{}: line {}: expected at most {} bytes, found more", path_,
                                   number_, longest_));
    line += static_cast<char>(c);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  return true;
}

void Lines::fail(std::string_view expected, std::string_view found) const {
  throw InputError(
      fmt::format("{}: line {}: expected {}, found {}", path_, number_, expected, quote(found)));
}

std::ifstream open_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path))
    throw InputError(
        fmt::format("{}: cannot open: {}", path, std::strerror(file ? EISDIR : errno)));
  return file;
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
