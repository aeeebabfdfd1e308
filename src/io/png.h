#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace reprise {

/// A picture of 8-bit RGB values [height, width, 3] as a PNG file (RFC 2083).
std::vector<std::uint8_t> png(std::int32_t width, std::int32_t height,
                              std::span<const std::uint8_t> rgb);

/// The same as a `data:` address, to be put into SVG and HTML (RFC 2397, RFC 4648).
std::string png_address(std::int32_t width, std::int32_t height, std::span<const std::uint8_t> rgb);

}  // namespace reprise
