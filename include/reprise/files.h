#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace reprise {

/// Writes a file whole or not at all: `write` fills a temporary file beside `path`, which is then
/// flushed to disk and renamed. A symbolic link is followed. On any failure the temporary file is
/// removed and Error is thrown (no permission, disk full, ...).
void replace_file(const std::string& path, const std::function<void(const std::string&)>& write);
void replace_file(const std::string& path, std::string_view contents);

}  // namespace reprise
