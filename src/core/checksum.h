#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// A 64-bit checksum of a sequence of fields, against accidents and not against forgers. Each step
/// is one-to-one in the state and in the eight bytes that enter it, so that a change within one
/// such word is always seen; any other change escapes with probability 2^-64.
class Checksum {
 public:
  Checksum& add(std::int64_t number);
  Checksum& add(double number);
  /// The length counts too: ("a", "bc") differs from ("ab", "c").
  Checksum& add(std::span<const std::uint8_t> bytes);
  Checksum& add(std::string_view text);

  std::uint64_t value() const { return state_; }
  /// 16 hexadecimal digits.
  std::string hex() const;

 private:
  void mix(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9e3779b97f4a7c15u;
    state_ ^= state_ >> 32;
  }

  std::uint64_t state_ = 0x243f6a8885a308d3u;
};

}  // namespace reprise
