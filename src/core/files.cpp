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
    throw Error(fmt::format("{}: cannot flush to disk: {}", path, std::strerror(error)));
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::filesystem::path target(path);
  return target.has_parent_path() ? target.parent_path().string() : std::string(".");
}

void require_writable(const std::string& path) {
  const std::string directory = folder_of(path);
  if (std::filesystem::is_directory(path))
    throw Error(fmt::format("{}: expected a file name, found a folder", path));
  if (!std::filesystem::is_directory(directory))
    throw Error(fmt::format("{}: the folder {} does not exist", path, directory));
  if (::access(directory.c_str(), W_OK) != 0)
    throw Error(fmt::format("{}: cannot write in {}: {}", path, directory, std::strerror(errno)));
}

void replace_file(const std::string& path, const std::function<void(const std::string&)>& write) {
  require_writable(path);
  const std::string directory = folder_of(path);
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  try {
    write(temporary);
    flush_to_disk(temporary, O_RDONLY);
    if (std::rename(temporary.c_str(), path.c_str()) != 0)
      throw Error(fmt::format("{}: cannot rename into place: {}", path, std::strerror(errno)));
    flush_to_disk(directory, O_RDONLY | O_DIRECTORY);
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
}

void replace_file(const std::string& path, std::string_view contents) {
  replace_file(path, [&](const std::string& temporary) {
    File file(std::fopen(temporary.c_str(), "wb"));
    if (!file) throw Error(fmt::format("{}: cannot create: {}", path, std::strerror(errno)));
    const bool written =
        std::fwrite(contents.data(), 1, contents.size(), file.get()) == contents.size() &&
        std::fflush(file.get()) == 0;
    if (!written) throw Error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  });
}

std::vector<std::string> files_below(const std::string& folder,
                                     const std::function<bool(const std::string&)>& wanted) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  try {
    std::error_code status;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied))
      if (entry.is_regular_file(status) && wanted(entry.path())) found.push_back(entry.path());
  } catch (const fs::filesystem_error& error) {
    throw Error(fmt::format("{}: cannot read this folder: {}", folder, error.code().message()));
  }
  std::sort(found.begin(), found.end());
  return {found.begin(), found.end()};
}

std::vector<std::uint8_t> read_file(const std::string& path, std::int64_t limit) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw Error(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  struct stat status {};
  if (::fstat(::fileno(file.get()), &status) != 0 || !S_ISREG(status.st_mode))
    throw Error(fmt::format("{}: expected a file, found something else", path));
  if (status.st_size > limit)
    throw Error(fmt::format("{}: expected at most {} bytes, found {}", path, limit,
                            static_cast<std::int64_t>(status.st_size)));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    throw Error(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  return bytes;
}

}  // namespace reprise
