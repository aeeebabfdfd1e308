#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// The lines of a text file that is not trusted, one at a time: without their ends (LF or CR LF)
/// and without a byte order mark at the start. Throws Error naming the file and the line.
class Lines {
 public:
  /// `before` lines of the file have been read already.
  explicit Lines(std::istream& in, const std::string& path,
                 std::size_t longest = std::size_t{1} << 20, std::int64_t before = 0)
      : in_(in), path_(path), longest_(longest), number_(before) {}

  /// False at the end of the file.
  bool next(std::string& line);

  const std::string& path() const { return path_; }
  std::int64_t number() const { return number_; }  ///< of the last line; the first is 1

  /// Throws Error: PATH: line N: expected EXPECTED, found 'FOUND'.
  [[noreturn]] void fail(std::string_view expected, std::string_view found) const;

 private:
  std::istream& in_;
  std::string path_;
  std::size_t longest_;
  std::int64_t number_;
};

/// A file opened to read its lines. Throws Error.
std::ifstream open_text(const std::string& path);

/// The numbers of a line, separated by `separator`, spaces around them allowed; one separator at
/// the end is. False where something is no finite number.
bool parse_numbers(std::string_view line, char separator, std::vector<float>& values);

}  // namespace reprise
