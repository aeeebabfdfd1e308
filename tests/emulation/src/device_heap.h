// Device memory: pages that nobody may touch except while a kernel or a copy runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace reprise::emulation {

class DeviceHeap {
 public:
  struct Allocation {
    char* begin;
    std::size_t bytes;
    std::size_t page_bytes;  // from the page of `begin` to the guard page
    char* pages() const;
  };

  DeviceHeap();
  ~DeviceHeap();
  DeviceHeap(const DeviceHeap&) = delete;
  DeviceHeap& operator=(const DeviceHeap&) = delete;

  /// Poisoned memory, aligned to 256 bytes and ending at most 255 bytes before a guard page. Null
  /// if the device has not that much left.
  void* allocate(std::size_t bytes);

  /// False if the address was never given by allocate() or is free already.
  bool release(void* address);
  void release_all();

  /// The live allocation that holds the address, or null.
  const Allocation* find(const void* address) const;

  /// Whether [address, address + bytes) lies in one live allocation.
  bool holds(const void* address, std::size_t bytes) const;

  /// Whether the address is anywhere in the heap's address range, live or not.
  bool owns(const void* address) const;

  /// Lets kernels and copies in, or shuts everybody out again.
  void open();
  void close();
  bool is_open() const { return open_; }

  /// What was written between the end of an allocation and its guard page, in words.
  std::string overrun() const;

  /// "240 bytes past the end of 1024 bytes of device memory", for messages.
  std::string describe(const void* address) const;

  std::size_t capacity() const { return capacity_; }
  std::size_t in_use() const { return in_use_; }
  void set_capacity(std::size_t bytes);

 private:
  char* space_ = nullptr;
  std::size_t next_ = 0;  // where to look for room: freed pages are reused as late as possible
  std::size_t capacity_;
  std::size_t in_use_ = 0;
  bool open_ = false;
  std::map<const char*, Allocation> live_;  // by page
};

/// Opens the heap for as long as the object lives.
class HeapOpen {
 public:
  explicit HeapOpen(DeviceHeap& heap) : heap_(heap) { heap_.open(); }
  ~HeapOpen() { heap_.close(); }
  HeapOpen(const HeapOpen&) = delete;
  HeapOpen& operator=(const HeapOpen&) = delete;

 private:
  DeviceHeap& heap_;
};

}  // namespace reprise::emulation
