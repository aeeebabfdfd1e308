#include "fiber.h"

#include <sys/mman.h>

#include <new>

#include "sanitizer.h"

namespace reprise::emulation {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kStackBytes = kAddressSanitizer ? 256 << 10 : 128 << 10;
[[maybe_unused]] constexpr unsigned kNoSynchronisation = 1;  // __tsan_switch_to_fiber_no_sync

}  // namespace

Fiber::Fiber(void (*body)(void*), void* argument) : body_(body), argument_(argument) {
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kGuardBytes, PROT_NONE);
  stack_ = static_cast<char*>(memory) + kGuardBytes;
  restart();
}

Fiber::~Fiber() {
#ifdef EMULATION_THREAD
  __tsan_destroy_fiber(clock_);
#endif
  munmap(stack_ - kGuardBytes, kGuardBytes + kStackBytes);
}

void Fiber::restart() {
  unpoison(stack_, kStackBytes);
  context_ = context::make_fcontext(stack_ + kStackBytes, kStackBytes, &Fiber::enter);
#ifdef EMULATION_ADDRESS
  fake_stack_ = nullptr;
#endif
#ifdef EMULATION_THREAD
  if (clock_ != nullptr) {
    // Whatever the fiber did comes before what the scheduler does next.
    void* scheduler = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(clock_, kNoSynchronisation);
    __tsan_switch_to_fiber(scheduler, 0);
    __tsan_destroy_fiber(clock_);
  }
  clock_ = __tsan_create_fiber(0);
#endif
}

void Fiber::enter(context::transfer_t from) {
  Fiber& self = *static_cast<Fiber*>(from.data);
  self.scheduler_ = from.fctx;
  self.arrive(nullptr);
  self.body_(self.argument_);
  __builtin_unreachable();
}

void Fiber::arrive([[maybe_unused]] void* fake_stack) {
#ifdef EMULATION_ADDRESS
  __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack_, &scheduler_stack_size_);
#endif
}

void Fiber::resume() {
#ifdef EMULATION_ADDRESS
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_, kStackBytes);
#endif
#ifdef EMULATION_THREAD
  scheduler_clock_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(clock_, kNoSynchronisation);
#endif
  context_ = context::jump_fcontext(context_, this).fctx;
#ifdef EMULATION_ADDRESS
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

void Fiber::yield() {
#ifdef EMULATION_ADDRESS
  __sanitizer_start_switch_fiber(&fake_stack_, scheduler_stack_, scheduler_stack_size_);
#endif
#ifdef EMULATION_THREAD
  __tsan_switch_to_fiber(scheduler_clock_, kNoSynchronisation);
#endif
  scheduler_ = context::jump_fcontext(scheduler_, nullptr).fctx;
  arrive(fake_stack_);
}

}  // namespace reprise::emulation
