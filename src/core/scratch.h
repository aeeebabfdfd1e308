#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace reprise {

/// Bytes kept in a file without a name, which is gone with its owner or with the program, however
/// that ends. Written in order, read back in order. Throws Error (disk full, ...), naming `what`.
class ScratchFile {
 public:
  /// In `folder`; `what` is what messages call it.
  ScratchFile(const std::string& folder, const std::string& what);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write(const void* bytes, std::size_t count);
  /// Back to the first byte, to read.
  void rewind();
  void read(void* bytes, std::size_t count);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Memory that lies in a file without a name: the system keeps what is in use in memory and the
/// rest on disk, in the folder that the environment's TMPDIR names, else /var/tmp. The space is
/// taken at once: throws Error where the disk has less, naming `what` it was for.
std::shared_ptr<void> scratch_memory(std::int64_t bytes, const std::string& what);

/// A part of a file as memory that is only read. The file must keep its length meanwhile.
std::shared_ptr<const void> map_file(const std::string& path, std::int64_t offset,
                                     std::int64_t bytes);

}  // namespace reprise
