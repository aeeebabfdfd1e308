#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text from outside, made fit to print.
namespace reprise {

/// For messages: in single quotes, on one line (control characters and bytes that are not UTF-8 as
/// \xNN), cut after `longest` bytes.
std::string quote(std::string_view text, std::size_t longest = 60);

/// The text with every byte that is not UTF-8 replaced by U+FFFD, and control characters by spaces.
std::string to_utf8(std::string_view text);

/// The text as a field of tab-separated values: control characters become spaces.
std::string tsv_field(std::string text);

}  // namespace reprise
