#include "shared_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "device_limits.h"
#include "sanitizer.h"

namespace reprise::emulation {
namespace {

constexpr std::size_t kArena = 1 << 20;
constexpr std::size_t kTokenBytes = 8 * SharedMemory::kTokens;
constexpr unsigned char kCanary = 0xA5;
constexpr unsigned char kPoison = 0xFF;  // NaN as float, double, half and bfloat16; -1 as integer

}  // namespace

SharedMemory::SharedMemory() {
  void* memory = mmap(nullptr, kArena + kTokenBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(memory);
}

SharedMemory::~SharedMemory() {
  munmap(memory_, kArena + kTokenBytes);
}

void SharedMemory::forget(char* begin, std::size_t bytes) {
  bytes = (bytes + 4095) / 4096 * 4096;
  if (bytes == 0) return;
  munmap(begin, bytes);
  if (mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
      begin) {
    throw std::bad_alloc();
  }
}

void SharedMemory::start_block(std::size_t dynamic_bytes) {
  if (kThreadSanitizer) {
    // A new mapping makes the thread sanitizer forget the last block's accesses and tokens.
    forget(memory_, used_);
    forget(memory_ + kArena, std::min(8 * token_, kTokenBytes));
  }
  unpoison(memory_, used_ + kRedZone);
  arrays_.clear();
  used_ = 0;
  requested_ = 0;
  token_ = 0;
  fill(memory_, kCanary, kRedZone);
  poison(memory_, kRedZone);
  used_ = kRedZone;
  dynamic_ = place(nullptr, dynamic_bytes, 128);
}

void* SharedMemory::find_or_make(const void* key, std::size_t bytes, std::size_t alignment) {
  const auto found = std::find_if(arrays_.begin(), arrays_.end(),
                                  [&](const Array& array) { return array.key == key; });
  if (found != arrays_.end()) return found->begin;
  return place(key, bytes, alignment);
}

void* SharedMemory::place(const void* key, std::size_t bytes, std::size_t alignment) {
  if (requested_ + bytes > kSharedBytesOptIn) return nullptr;
  requested_ += bytes;
  // An odd multiple of the alignment: no array is aligned better than it asked for.
  std::size_t begin = (used_ + alignment - 1) / alignment * alignment;
  if (begin / alignment % 2 == 0) begin += alignment;
  const std::size_t end = begin + bytes;
  unpoison(memory_ + used_, end + kRedZone - used_);
  fill(memory_ + used_, kCanary, begin - used_);
  fill(memory_ + begin, kPoison, bytes);
  fill(memory_ + end, kCanary, kRedZone);
  poison(memory_ + used_, begin - used_);
  poison(memory_ + end, kRedZone);
  used_ = end + kRedZone;
  arrays_.push_back({key, memory_ + begin, bytes});
  return memory_ + begin;
}

std::string SharedMemory::overrun() const {
  const auto dirty = [](const char* begin, const char* end) {
    return std::find_if(begin, end,
                        [](char c) { return static_cast<unsigned char>(c) != kCanary; }) != end;
  };
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    const Array& array = arrays_[i];
    const char* before = i == 0 ? memory_ : arrays_[i - 1].begin + arrays_[i - 1].bytes;
    const char* end = array.begin + array.bytes;
    const std::string what =
        (array.key == nullptr ? "the dynamic shared memory of " : "a shared array of ") +
        std::to_string(array.bytes) + " bytes";
    if (dirty(end, end + kRedZone)) return "a write past the end of " + what;
    if (dirty(before, array.begin)) return "a write before the start of " + what;
  }
  return {};
}

void* SharedMemory::next_token() {
  return memory_ + kArena + 8 * (token_++ % kTokens);
}

}  // namespace reprise::emulation
