#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Writes a file whole or not at all: `write` fills a temporary file beside `path`, which is then
/// flushed to disk and renamed. On any failure the temporary file is removed and Error is thrown
/// (no permission, disk full, ...).
void replace_file(const std::string& path, const std::function<void(const std::string&)>& write);
void replace_file(const std::string& path, std::string_view contents);

/// The bytes of a file of at most `limit` bytes. Throws Error.
std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t limit);

}  // namespace reprise
