#include "core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "reprise/error.h"

namespace reprise {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

void flush_to_disk(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return;
  const int status = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  if (status != 0 && error != EINVAL)
    throw MachineError(fmt::format("{}: cannot flush to disk: {}", path, std::strerror(error)));
}

// Where a link leads, and other paths as they are: what is renamed onto a link takes its place.
std::string behind_links(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(path, failed)) return path;
  const std::string target = std::filesystem::canonical(path, failed).string();
  return failed ? path : target;
}

bool is_database(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const File file(std::fopen(path.c_str(), "rb"));
  char start[kMagic.size()] = {};
  return file && std::fread(start, 1, sizeof start, file.get()) == sizeof start &&
         std::string_view(start, sizeof start) == kMagic;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::filesystem::path target(path);
  return target.has_parent_path() ? target.parent_path().string() : std::string(".");
}

void require_writable(const std::string& path) {
  const std::string directory = folder_of(path);
  if (std::filesystem::is_directory(path))
    throw InputError(fmt::format("{}: expected a file name, found a folder", path));
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path))
    throw InputError(fmt::format("{}: expected a file name, found a device or pipe", path));
  if (!std::filesystem::is_directory(directory))
    throw InputError(fmt::format("{}: the folder {} does not exist", path, directory));
  if (::access(directory.c_str(), W_OK) != 0)
    throw MachineError(
        fmt::format("{}: cannot write in {}: {}", path, directory, std::strerror(errno)));
  // A catalogue may hold what is nowhere else.
  if (is_database(path))
    throw InputError(
        fmt::format("{}: expected the name of a file to write, found a catalogue: remove it first "
                    "if you mean to",
                    path));
}

void replace_file(const std::string& given, const std::function<void(const std::string&)>& write) {
  const std::string path = behind_links(given);
  require_writable(path);
  const std::string directory = folder_of(path);
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  try {
    write(temporary);
    flush_to_disk(temporary, O_RDONLY);
    if (std::rename(temporary.c_str(), path.c_str()) != 0)
      throw MachineError(
          fmt::format("{}: cannot rename into place: {}", path, std::strerror(errno)));
    flush_to_disk(directory, O_RDONLY | O_DIRECTORY);
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
}

void replace_file(const std::string& path, std::string_view contents) {
  replace_file(path, [&](const std::string& temporary) {
    File file(std::fopen(temporary.c_str(), "wb"));
    if (!file) throw MachineError(fmt::format("{}: cannot create: {}", path, std::strerror(errno)));
    const bool written =
        std::fwrite(contents.data(), 1, contents.size(), file.get()) == contents.size() &&
        std::fflush(file.get()) == 0;
    if (!written)
      throw MachineError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  });
}

std::vector<std::string> files_below(const std::string& folder,
                                     const std::function<bool(const std::string&)>& wanted) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  try {
    std::error_code status;
    fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied);
    for (; entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->path().filename().native().starts_with('.'))
        entry.disable_recursion_pending();
      else if (entry->is_regular_file(status) && wanted(entry->path()))
        found.push_back(entry->path());
    }
  } catch (const fs::filesystem_error& error) {
    throw MachineError(
        fmt::format("{}: cannot read this folder: {}", folder, error.code().message()));
  }
  std::sort(found.begin(), found.end());
  return {found.begin(), found.end()};
}

std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t limit) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  struct stat status {};
  if (::fstat(::fileno(file.get()), &status) != 0 || !S_ISREG(status.st_mode))
    throw InputError(fmt::format("{}: expected a file, found something else", path));
  if (status.st_size > limit)
    throw InputError(fmt::format("{}: expected at most {} bytes, found {}", path, limit,
                                 static_cast<std::int64_t>(status.st_size)));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    throw MachineError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  return bytes;
}

}  // namespace reprise
