#pragma once

#include <string_view>
#include <vector>

#include "reprise/text.h"

namespace reprise {

bool is_utf8(std::string_view text);

/// Whether the text has a byte below 0x20 (a newline, say) or 0x7f.
bool has_control_character(std::string_view text);

/// The parts of "a,b,c"; one empty part of "".
std::vector<std::string> comma_separated(std::string_view text);

/// The number that the whole text is: int, std::int64_t or double. Throws SettingsError naming
/// `name`.
template <class Number>
Number parse_number(std::string_view name, std::string_view text);

}  // namespace reprise
