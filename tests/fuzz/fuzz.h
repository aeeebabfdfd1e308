#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/files.h"
#include "reprise/error.h"

/// Called with one input; a crash, a sanitizer's report or any exception but reprise::Error (which
/// ends the program) is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace reprise::fuzz {

using Bytes = std::vector<std::uint8_t>;

/// Valid inputs to start from; each target has its own.
std::vector<Bytes> seeds();

/// An outside file may be refused, in one line that names the file.
template <class Read>
void read_or_refuse(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.empty() || message.find('\n') != std::string::npos) throw std::logic_error(message);
  }
}

/// The bytes that `write` puts into the file that it is given.
inline Bytes written_by(const std::function<void(const std::string&)>& write) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("reprise-fuzz-" + std::to_string(std::random_device()()));
  write(path.string());
  Bytes bytes = read_file(path.string(), std::int64_t{1} << 30);
  std::filesystem::remove(path);
  return bytes;
}

}  // namespace reprise::fuzz
