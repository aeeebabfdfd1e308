#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// For messages: in single quotes, on one line (control characters and bytes that are not UTF-8 as
/// \xNN), cut after `longest` bytes.
std::string quote(std::string_view text, std::size_t longest = 60);

bool is_utf8(std::string_view text);

/// The text with every byte that is not UTF-8 replaced by U+FFFD, and control characters by spaces.
std::string to_utf8(std::string_view text);

/// Whether the text has a byte below 0x20 (a newline, say) or 0x7f.
bool has_control_character(std::string_view text);

/// The parts of "a,b,c"; one empty part of "".
std::vector<std::string> comma_separated(std::string_view text);

/// The number that the whole text is: int, std::int64_t or double. Throws UsageError naming `name`.
template <class Number>
Number parse_number(std::string_view name, std::string_view text);

}  // namespace reprise
