#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace reprise {

/// zlib format (RFC 1950).
std::vector<std::uint8_t> deflate(std::span<const std::uint8_t> bytes);

/// The `size` bytes that were deflated; nothing where the data are damaged or of another size.
std::optional<std::vector<std::uint8_t>> inflate(std::span<const std::uint8_t> deflated,
                                                 std::int64_t size);

}  // namespace reprise
