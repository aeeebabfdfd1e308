#include "device_heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <new>

#include "sanitizer.h"

namespace reprise::emulation {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;
constexpr std::size_t kSpace = std::size_t{32} << 30;    // addresses, not memory
constexpr std::size_t kLargest = std::size_t{8} << 30;   // capacity at most
constexpr std::size_t kDefault = std::size_t{2} << 30;   // capacity initially
constexpr std::size_t kPoisoned = std::size_t{1} << 24;  // bytes of an allocation that are filled
constexpr unsigned char kCanary = 0xA5;
constexpr unsigned char kPoison = 0xFF;  // NaN as float, double, half and bfloat16

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

char* DeviceHeap::Allocation::pages() const {
  return begin - (page_bytes - round_up(std::max<std::size_t>(bytes, 1), kAlignment));
}

DeviceHeap::DeviceHeap() : capacity_(kDefault) {
  void* memory =
      mmap(nullptr, kSpace, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  space_ = static_cast<char*>(memory);
}

DeviceHeap::~DeviceHeap() {
  munmap(space_, kSpace);
}

void DeviceHeap::set_capacity(std::size_t bytes) {
  capacity_ = std::min(bytes, kLargest);
}

void* DeviceHeap::allocate(std::size_t bytes) {
  if (bytes > capacity_ || in_use_ + bytes > capacity_) return nullptr;
  const std::size_t padded = round_up(std::max<std::size_t>(bytes, 1), kAlignment);
  const std::size_t page_bytes = round_up(padded, kPage);
  const std::size_t needed = page_bytes + kPage;  // with the guard page
  const auto fits = [&](std::size_t offset) {
    if (offset + needed > kSpace) return false;
    const auto next = live_.lower_bound(space_ + offset);
    if (next != live_.end() && next->first < space_ + offset + needed) return false;
    if (next == live_.begin()) return true;
    const auto& [pages, before] = *std::prev(next);
    return pages + before.page_bytes + kPage <= space_ + offset;
  };
  std::size_t offset = next_;
  if (!fits(offset)) {  // gone round: the first gap after some allocation
    offset = 0;
    for (auto it = live_.begin(); !fits(offset) && it != live_.end(); ++it) {
      offset = (it->first - space_) + it->second.page_bytes + kPage;
    }
    if (!fits(offset)) return nullptr;
  }
  next_ = offset + needed;
  char* pages = space_ + offset;
  const Allocation made{pages + page_bytes - padded, bytes, page_bytes};
  mprotect(pages, page_bytes, PROT_READ | PROT_WRITE);
  unpoison(pages, page_bytes);
  fill(made.begin, kPoison, std::min(bytes, kPoisoned));
  fill(made.begin + bytes, kCanary, padded - bytes);
  poison(pages, made.begin - pages);
  poison(made.begin + bytes, padded - bytes);
  if (!open_) mprotect(pages, page_bytes, PROT_NONE);
  in_use_ += bytes;
  live_.emplace(pages, made);
  return made.begin;
}

bool DeviceHeap::release(void* address) {
  const Allocation* found = find(address);
  if (found == nullptr || found->begin != address) return false;
  char* pages = found->pages();
  in_use_ -= found->bytes;
  unpoison(pages, found->page_bytes);
  madvise(pages, found->page_bytes, MADV_DONTNEED);
  mprotect(pages, found->page_bytes, PROT_NONE);
  live_.erase(pages);
  return true;
}

void DeviceHeap::release_all() {
  while (!live_.empty()) release(live_.begin()->second.begin);
}

const DeviceHeap::Allocation* DeviceHeap::find(const void* address) const {
  const char* target = static_cast<const char*>(address);
  auto it = live_.upper_bound(target);
  if (it == live_.begin()) return nullptr;
  const Allocation& candidate = std::prev(it)->second;
  const bool inside = target >= candidate.begin && target <= candidate.begin + candidate.bytes;
  return inside ? &candidate : nullptr;
}

bool DeviceHeap::holds(const void* address, std::size_t bytes) const {
  const Allocation* found = find(address);
  return found != nullptr && bytes <= static_cast<std::size_t>(found->begin + found->bytes -
                                                               static_cast<const char*>(address));
}

bool DeviceHeap::owns(const void* address) const {
  return address >= space_ && address < space_ + kSpace;
}

void DeviceHeap::open() {
  if (open_) return;
  open_ = true;
  for (auto& [pages, a] : live_) mprotect(a.pages(), a.page_bytes, PROT_READ | PROT_WRITE);
}

void DeviceHeap::close() {
  open_ = false;
  for (auto& [pages, a] : live_) mprotect(a.pages(), a.page_bytes, PROT_NONE);
}

std::string DeviceHeap::overrun() const {
  for (const auto& [pages, a] : live_) {
    const char* end = a.begin + a.bytes;
    for (const char* cell = end; cell < pages + a.page_bytes; ++cell) {
      if (static_cast<unsigned char>(*cell) != kCanary) {
        return "a write past the end of " + std::to_string(a.bytes) + " bytes of device memory";
      }
    }
  }
  return {};
}

std::string DeviceHeap::describe(const void* address) const {
  const char* target = static_cast<const char*>(address);
  const auto it = live_.upper_bound(target);
  if (it != live_.begin()) {
    const Allocation& a = std::prev(it)->second;
    const char* end = a.begin + a.bytes;
    const std::string what = std::to_string(a.bytes) + " bytes of device memory";
    if (target < a.begin) return std::to_string(a.begin - target) + " bytes before " + what;
    if (target < end) return "byte " + std::to_string(target - a.begin) + " of " + what;
    if (target < a.begin + a.page_bytes + kPage) {
      return std::to_string(target - end) + " bytes past the end of " + what;
    }
  }
  return "device memory that is not allocated";
}

}  // namespace reprise::emulation
