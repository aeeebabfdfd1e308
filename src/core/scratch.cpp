#include "core/scratch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "reprise/error.h"

namespace reprise {
namespace {

/// A descriptor of a new file in `folder` that has no name, or -1.
int open_nameless(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
    return descriptor;
  std::string name = folder + "/reprise-XXXXXX";  // a file system without nameless files
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string scratch_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder && *folder ? folder : "/var/tmp";
}

}  // namespace

struct ScratchFile::State {
  std::FILE* file = nullptr;
  std::string what;
};

ScratchFile::ScratchFile(const std::string& folder, const std::string& what)
    : state_(std::make_unique<State>()) {
  state_->what = what;
  const int descriptor = open_nameless(folder);
  state_->file = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w+b");
  if (!state_->file)
    throw MachineError(
        fmt::format("{}: cannot create a file in {}: {}", what, folder, std::strerror(errno)));
}

ScratchFile::~ScratchFile() {
  std::fclose(state_->file);
}

void ScratchFile::write(const void* bytes, std::size_t count) {
  if (std::fwrite(bytes, 1, count, state_->file) != count)
    throw MachineError(fmt::format("{}: cannot write: {}", state_->what, std::strerror(errno)));
}

void ScratchFile::rewind() {
  if (std::fflush(state_->file) != 0 || std::fseek(state_->file, 0, SEEK_SET) != 0)
    throw MachineError(fmt::format("{}: cannot write: {}", state_->what, std::strerror(errno)));
}

void ScratchFile::read(void* bytes, std::size_t count) {
  if (std::fread(bytes, 1, count, state_->file) != count)
    throw MachineError(fmt::format("{}: cannot read back what was written: {}", state_->what,
                                   std::strerror(errno)));
}

std::shared_ptr<void> scratch_memory(std::int64_t bytes, const std::string& what) {
  const std::string folder = scratch_folder();
  const auto fail = [&](int error) {
    throw MachineError(
        fmt::format("{}: cannot set {} bytes aside in {} (TMPDIR chooses the folder): {}", what,
                    bytes, folder, std::strerror(error)));
  };
  const Descriptor file(open_nameless(folder));
  if (file.get() < 0) fail(errno);
  // Filling a disk to its last byte before finding out would hurt others.
  struct statvfs disk {};
  if (::fstatvfs(file.get(), &disk) == 0 &&
      static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) <
          static_cast<double>(bytes))
    fail(ENOSPC);
  if (const int error = ::posix_fallocate(file.get(), 0, bytes); error != 0) fail(error);
  void* memory = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) fail(errno);
  return {memory, [bytes](void* m) { ::munmap(m, static_cast<std::size_t>(bytes)); }};
}

std::shared_ptr<const void> map_file(const std::string& path, std::int64_t offset,
                                     std::int64_t bytes) {
  const auto fail = [&]() {
    throw MachineError(
        fmt::format("{}: cannot map {} bytes into memory: {}", path, bytes, std::strerror(errno)));
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail();
  const std::int64_t ahead = offset % ::sysconf(_SC_PAGESIZE);
  const auto length = static_cast<std::size_t>(bytes + ahead);
  void* memory = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, file.get(),
                        static_cast<off_t>(offset - ahead));
  if (memory == MAP_FAILED) fail();
  const auto unmap = [memory, length](const void*) { ::munmap(memory, length); };
  return {static_cast<const void*>(static_cast<const char*>(memory) + ahead), unmap};
}

}  // namespace reprise
