#include "io/png.h"

#include <zlib.h>

#include <initializer_list>
#include <string_view>

#include "io/deflate.h"

namespace reprise {
namespace {

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_chunk(std::vector<std::uint8_t>& out, std::string_view type,
                  std::span<const std::uint8_t> data) {
  append_big_endian(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t first = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  append_big_endian(out, static_cast<std::uint32_t>(
                             ::crc32(0, &out[first], static_cast<uInt>(out.size() - first))));
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? std::uint32_t{bytes[at]} : std::uint32_t{0};
    };
    const std::uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (std::size_t d = 0; d < 4; ++d)
      out += i + d <= bytes.size() ? kDigits[three >> (18 - 6 * d) & 63] : '=';
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> png(std::int32_t width, std::int32_t height,
                              std::span<const std::uint8_t> rgb) {
  std::vector<std::uint8_t> out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  std::vector<std::uint8_t> header;
  append_big_endian(header, static_cast<std::uint32_t>(width));
  append_big_endian(header, static_cast<std::uint32_t>(height));
  // 8 bits, RGB, the one compression and filter method, not interlaced.
  for (const std::uint8_t value : {8, 2, 0, 0, 0}) header.push_back(value);
  append_chunk(out, "IHDR", header);
  std::vector<std::uint8_t> rows;
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  for (std::int32_t y = 0; y < height; ++y) {
    rows.push_back(0);  // no filter
    const auto row = rgb.subspan(static_cast<std::size_t>(y) * row_bytes, row_bytes);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  append_chunk(out, "IDAT", deflate(rows));
  append_chunk(out, "IEND", {});
  return out;
}

std::string png_address(std::int32_t width, std::int32_t height,
                        std::span<const std::uint8_t> rgb) {
  return "data:image/png;base64," + base64(png(width, height, rgb));
}

}  // namespace reprise
