#pragma once

#include <string>
#include <string_view>

namespace reprise {

/// For messages: in single quotes, cut after 60 bytes, on one line (bytes outside printable ASCII
/// that are not UTF-8, and control characters, as \xNN).
std::string quote(std::string_view text);

bool is_utf8(std::string_view text);

/// Whether the text has a byte below 0x20 (a newline, say) or 0x7f.
bool has_control_character(std::string_view text);

}  // namespace reprise
