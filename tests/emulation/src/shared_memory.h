// A block's shared memory: arrays between red zones, poisoned before the block starts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace reprise::emulation {

class SharedMemory {
 public:
  static constexpr std::size_t kRedZone = 256;
  static constexpr std::size_t kTokens = 8192;  // happens-before tokens, one address each

  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// Empties the arena for a new block with this much dynamic shared memory.
  void start_block(std::size_t dynamic_bytes);

  void* dynamic() const { return dynamic_; }

  /// The block's array for this key. Null if the block would exceed what a device has.
  void* find_or_make(const void* key, std::size_t bytes, std::size_t alignment);

  /// What was written into a red zone, in words; empty if nothing was.
  std::string overrun() const;

  /// A fresh address that stands for one opening of a barrier.
  void* next_token();

 private:
  struct Array {
    const void* key;
    char* begin;
    std::size_t bytes;
  };

  void* place(const void* key, std::size_t bytes, std::size_t alignment);
  static void forget(char* begin, std::size_t bytes);

  char* memory_ = nullptr;
  std::size_t used_ = 0;
  std::size_t requested_ = 0;  // bytes of arrays, without red zones
  std::size_t token_ = 0;
  void* dynamic_ = nullptr;
  std::vector<Array> arrays_;
};

}  // namespace reprise::emulation
