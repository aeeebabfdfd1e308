#include "io/png.h"

#include <gtest/gtest.h>

#include "io/deflate.h"

namespace reprise {
namespace {

// Two pixels above two others.
const std::vector<std::uint8_t> kRgb{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7};

std::uint32_t number(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

// Bit by bit, as RFC 2083's appendix defines it.
std::uint32_t crc(const std::vector<std::uint8_t>& bytes, std::size_t first, std::size_t count) {
  std::uint32_t value = 0xffffffff;
  for (std::size_t i = first; i < first + count; ++i) {
    value ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
  }
  return ~value;
}

TEST(Png, IsThePixelsInThreeChunks) {
  const std::vector<std::uint8_t> file = png(2, 2, kRgb);
  EXPECT_EQ(number(file, 0), 0x89504e47u);
  std::vector<std::string> types;
  std::vector<std::uint8_t> pixels;
  for (std::size_t at = 8; at < file.size();) {
    const std::size_t size = number(file, at);
    types.emplace_back(file.begin() + at + 4, file.begin() + at + 8);
    if (types.back() == "IHDR") {
      EXPECT_EQ(number(file, at + 8), 2u);
      EXPECT_EQ(number(file, at + 12), 2u);
    }
    if (types.back() == "IDAT") pixels = inflate(std::span(file).subspan(at + 8, size), 14).value();
    EXPECT_EQ(number(file, at + 8 + size), crc(file, at + 4, size + 4));
    at += 12 + size;
  }
  EXPECT_EQ(types, (std::vector<std::string>{"IHDR", "IDAT", "IEND"}));
  EXPECT_EQ(pixels, (std::vector<std::uint8_t>{0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 9, 8, 7}));
}

// "TWFu", "TWE=" and "TQ==" stand for "Man", "Ma" and "M" (RFC 4648); the file begins with 0x89
// 0x50 0x4e, which is iVBO.
TEST(Png, TheAddressIsBase64) {
  const std::string address = png_address(2, 2, kRgb);
  EXPECT_EQ(address.substr(0, 26), "data:image/png;base64,iVBO");
  EXPECT_EQ((address.size() - 22) % 4, 0u);
  EXPECT_EQ((address.size() - 22) / 4, (png(2, 2, kRgb).size() + 2) / 3);
}

}  // namespace
}  // namespace reprise
