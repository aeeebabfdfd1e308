// One CUDA thread: a stack with a guard page, switched to and from without the operating system.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace reprise::emulation {

class Fiber {
 public:
  /// `body(argument)` must not return: it yields for the last time instead.
  Fiber(void (*body)(void*), void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs the fiber until it yields. Called by the scheduler.
  void resume();

  /// Goes back to the scheduler. Called by the fiber.
  void yield();

  /// Forgets where the fiber was, so that the next resume() starts its body anew.
  void restart();

 private:
  static void enter(boost::context::detail::transfer_t from);
  void arrive(void* fake_stack);

  void (*body_)(void*);
  void* argument_;
  char* stack_;
  boost::context::detail::fcontext_t context_ = nullptr;
  boost::context::detail::fcontext_t scheduler_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;             // address sanitizer: of this fiber
  [[maybe_unused]] const void* scheduler_stack_ = nullptr;  // address sanitizer: bottom
  [[maybe_unused]] std::size_t scheduler_stack_size_ = 0;
  [[maybe_unused]] void* clock_ = nullptr;  // thread sanitizer: the fiber's identity
  [[maybe_unused]] void* scheduler_clock_ = nullptr;
};

}  // namespace reprise::emulation
