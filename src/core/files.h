#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/files.h"

namespace reprise {

/// The folder that a file of this path is or would be in.
std::string folder_of(const std::string& path);

/// Throws Error where `path` cannot be made or replaced: it is a folder, device or pipe, or a
/// catalogue, or its folder does not exist or may not be written to.
void require_writable(const std::string& path);

/// The files at any depth below a folder that `wanted` accepts, by path. Links to folders are not
/// followed; what may not be read is passed over, and so is what is hidden (.Trash, and the ._NAME
/// that some systems put beside NAME). Throws Error.
std::vector<std::string> files_below(const std::string& folder,
                                     const std::function<bool(const std::string&)>& wanted);

/// The bytes of a file of at most `limit` bytes. Throws Error.
std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t limit);

}  // namespace reprise
