#include "io/npy.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

static_assert(std::numeric_limits<float>::is_iec559);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostAxes = 32;  // NumPy's own limit
constexpr std::int64_t kLargestFile = std::int64_t{1} << 40;

/// The header is a Python dictionary of three entries, e.g.
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 12), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  std::size_t value_bytes() const { return *descr_ == "<f8" ? 8 : 4; }
  bool fortran_order() const { return *fortran_order_; }

  std::vector<std::int64_t> parse() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted_word();
      expect(':');
      if (key == "descr" && !descr_)
        descr_ = quoted_word();
      else if (key == "fortran_order" && !fortran_order_)
        fortran_order_ = boolean();
      else if (key == "shape" && !shape_)
        shape_ = tuple();
      else
        fail("descr, fortran_order and shape, each once", quote(key));
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!text_.empty()) fail("the end of the header", quote(text_));
    if (!descr_ || !fortran_order_ || !shape_)
      fail("descr, fortran_order and shape", "fewer entries");
    if (*descr_ != "<f4" && *descr_ != "<f8")
      fail("the type '<f4' (float32) or '<f8' (float64)", quote(*descr_));
    if (*fortran_order_ && shape_->size() > 2)
      fail("values in C order", "more than two axes in Fortran order");
    return *shape_;
  }

 private:
  [[noreturn]] void fail(std::string_view expected, std::string_view found) const {
    throw InputError(fmt::format("{}: header: expected {}, found {}", path_, expected, found));
  }
  void skip_spaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \n"), text_.size()));
  }
  bool take(char c) {
    skip_spaces();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}'", c), quote(text_));
  }
  /// A string without escapes.
  std::string_view quoted_word() {
    skip_spaces();
    const char mark = text_.empty() ? '\0' : text_[0];
    const std::size_t end = mark == '\'' || mark == '"' ? text_.find(mark, 1) : text_.npos;
    if (end == text_.npos) fail("a string", quote(text_));
    const std::string_view word = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return word;
  }
  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(0, word.size()) == word) {
        text_.remove_prefix(word.size());
        return word == "True";
      }
    fail("True or False", quote(text_));
  }
  /// (), (3,), (3, 12), ...
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> lengths;
    expect('(');
    bool comma = true;
    while (!take(')')) {
      if (!comma || lengths.size() == kMostAxes) fail("the end of the shape", quote(text_));
      std::int64_t length = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), length);
      if (error != std::errc() || length < 0) fail("a length", quote(text_));
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      lengths.push_back(length);
      comma = take(',');
    }
    if (lengths.size() == 1 && !comma) fail("a tuple", "a number in brackets");
    return lengths;
  }

  std::string_view text_;
  std::string path_;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::int64_t>> shape_;
};

/// Number of values, or nothing where it or its bytes do not fit.
std::optional<std::int64_t> count_of(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t length : shape)
    if (length < 0 || __builtin_mul_overflow(count, length, &count)) return std::nullopt;
  if (count > std::numeric_limits<std::int64_t>::max() / std::int64_t{sizeof(double)})
    return std::nullopt;
  return count;
}

/// A matrix that lies column after column.
void to_c_order(Npy& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  std::vector<float> values(matrix.values.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) values[i * columns + j] = matrix.values[j * rows + i];
  matrix.values = std::move(values);
}

std::string header_of(const std::vector<std::int64_t>& shape) {
  std::string tuple;
  for (const std::int64_t length : shape) tuple += fmt::format("{}, ", length);
  if (shape.size() > 1) tuple.resize(tuple.size() - 2);
  if (shape.size() == 1) tuple.resize(tuple.size() - 1);
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", tuple);
  // The values start at a multiple of 64 bytes, after a newline.
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kPreamble = 10;
  const std::size_t unpadded = kPreamble + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

}  // namespace

Npy parse_npy(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto byte = [&](std::size_t i) { return std::size_t{bytes[i]}; };
  constexpr std::size_t kShortest = 12;
  if (file.substr(0, kMagic.size()) != kMagic || file.size() < kShortest)
    throw InputError(fmt::format("{}: expected a NumPy .npy file, found something else", path));
  const std::size_t version = byte(6);
  if (version < 1 || version > 3 || byte(7) != 0)
    throw InputError(fmt::format("{}: expected .npy format version 1.0, 2.0 or 3.0, found {}.{}",
                                 path, version, byte(7)));
  const std::size_t start = version == 1 ? 10 : 12;
  std::size_t header_bytes = byte(8) | byte(9) << 8;
  if (version > 1) header_bytes |= byte(10) << 16 | byte(11) << 24;
  if (header_bytes > file.size() - start)
    throw InputError(fmt::format("{}: expected a header of {} bytes, found {} bytes in the file",
                                 path, header_bytes, file.size()));
  Npy array;
  HeaderParser header(file.substr(start, header_bytes), path);
  array.shape = header.parse();
  const std::string_view values = file.substr(start + header_bytes);
  const std::optional<std::int64_t> count = count_of(array.shape);
  if (!count || static_cast<std::size_t>(*count) * header.value_bytes() != values.size())
    throw InputError(fmt::format("{}: expected float{} values of shape ({}), found {} bytes", path,
                                 8 * header.value_bytes(), fmt::join(array.shape, ", "),
                                 values.size()));
  array.values.resize(static_cast<std::size_t>(*count));
  if (header.value_bytes() == sizeof(float)) {
    if (!values.empty()) std::memcpy(array.values.data(), values.data(), values.size());
  } else {
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      double wide = 0;
      std::memcpy(&wide, values.data() + i * sizeof wide, sizeof wide);
      array.values[i] = static_cast<float>(wide);
    }
  }
  const bool matrix = array.shape.size() == 2 && !array.values.empty();
  if (header.fortran_order() && matrix) to_c_order(array);
  return array;
}

Npy read_npy(const std::string& path) {
  return parse_npy(read_file(path, kLargestFile), path);
}

void write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
               const float* values) {
  const std::optional<std::int64_t> count = count_of(shape);
  if (!count || shape.size() > kMostAxes)
    throw InputError(fmt::format("{}: expected a shape, found ({})", path, fmt::join(shape, ", ")));
  replace_file(path, [&](const std::string& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    const std::string header = header_of(shape);
    file.write(header.data(), static_cast<std::streamsize>(header.size()));
    file.write(reinterpret_cast<const char*>(values),
               static_cast<std::streamsize>(*count * std::int64_t{sizeof(float)}));
    file.close();
    if (!file) throw MachineError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  });
}

}  // namespace reprise
