// The sanitizers' interfaces for fibers, happens-before edges and poisoned memory; nothing in a
// plain build. EMULATION_ADDRESS and EMULATION_THREAD say which sanitizer the kernels are built
// with; the engine itself is built with none.
#pragma once

#include <cstddef>

#ifdef EMULATION_ADDRESS
extern "C" {
void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, std::size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, std::size_t* size);
void __asan_poison_memory_region(const volatile void* address, std::size_t size);
void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
}
#endif

#ifdef EMULATION_THREAD
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace reprise::emulation {

#ifdef EMULATION_ADDRESS
inline constexpr bool kAddressSanitizer = true;
inline void poison(const void* address, std::size_t size) {
  __asan_poison_memory_region(address, size);
}
inline void unpoison(const void* address, std::size_t size) {
  __asan_unpoison_memory_region(address, size);
}
#else
inline constexpr bool kAddressSanitizer = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
#endif

#ifdef EMULATION_THREAD
inline constexpr bool kThreadSanitizer = true;
inline void acquire(void* token) {
  __tsan_acquire(token);
}
inline void release(void* token) {
  __tsan_release(token);
}
#else
inline constexpr bool kThreadSanitizer = false;
inline void acquire(void*) {}
inline void release(void*) {}
#endif

/// memset that no sanitizer takes for an access of the kernel's.
inline void fill(char* begin, unsigned char value, std::size_t size) {
  volatile char* cell = begin;
  for (std::size_t i = 0; i < size; ++i) cell[i] = static_cast<char>(value);
}

}  // namespace reprise::emulation
