#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace reprise::cpu {

/// Calls body(i, member) for every i in [0, count), on `threads` threads; member is 0 .. threads -
/// 1 and names the caller's scratch memory. The first exception is thrown again when all have
/// stopped. An op must not let its result depend on which member did what.
template <class Body>
void parallel_for(std::int64_t count, int threads, Body&& body) {
  if (threads <= 1 || count <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_lock;
  const auto work = [&](int member) {
    try {
      for (std::int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
        body(i, member);
    } catch (...) {
      const std::lock_guard lock(failure_lock);
      if (!failure) failure = std::current_exception();
      next.store(count, std::memory_order_relaxed);
    }
  };
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer does not know the OpenMP library's barriers.
  {
    std::vector<std::jthread> team;
    for (int member = 1; member < threads; ++member) team.emplace_back(work, member);
    work(0);
  }
#else
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int member = 0; member < threads; ++member) work(member);
#endif
  if (failure) std::rethrow_exception(failure);
}

}  // namespace reprise::cpu
