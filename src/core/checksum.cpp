#include "core/checksum.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace reprise {

static_assert(std::endian::native == std::endian::little, "checksums are kept in files");

Checksum& Checksum::add(std::int64_t number) {
  mix(static_cast<std::uint64_t>(number));
  return *this;
}

Checksum& Checksum::add(double number) {
  mix(std::bit_cast<std::uint64_t>(number));
  return *this;
}

Checksum& Checksum::add(std::span<const std::uint8_t> bytes) {
  mix(bytes.size());
  std::uint64_t word = 0;
  while (bytes.size() >= sizeof word) {
    std::memcpy(&word, bytes.data(), sizeof word);
    mix(word);
    bytes = bytes.subspan(sizeof word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  mix(word);
  return *this;
}

Checksum& Checksum::add(std::string_view text) {
  return add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string Checksum::hex() const {
  return fmt::format("{:016x}", state_);
}

}  // namespace reprise
