#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Comma-separated values with a header line (RFC 4180: fields may be quoted, quotes are doubled;
/// lines may end in CR LF, a byte order mark is passed over, empty lines too).
struct Csv {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `columns`
  std::vector<std::size_t> lines;              ///< on which each row begins, from 1

  /// Throws Error naming the file and the line: a quote that does not end, another number of fields
  /// than the header has, a column named twice, no header, text that is not UTF-8.
  static Csv parse(std::string_view text, const std::string& path);
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t find(std::string_view column) const;  ///< kNone where there is none
};

}  // namespace reprise
