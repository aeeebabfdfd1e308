// What a test may ask of the emulated device: the order in which its threads run, the size of its
// memory, and the text of the last error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace reprise::emulation {

enum class Order {
  in_order,   // threads take turns in index order
  reverse,    // threads take turns in reverse order
  random,     // any thread that can run, drawn anew at every switch
  warp_skew,  // one warp runs as far ahead as it can, then the next (in a drawn order)
};

struct Schedule {
  Order order = Order::in_order;
  std::uint64_t seed = 0;
};

std::string to_string(Schedule schedule);

/// In order, reverse, and `seeds` seeds each of random order and warp skew.
std::vector<Schedule> schedules(int seeds);

/// Order of threads and blocks for every kernel run from now on. Work that is already queued on a
/// stream runs under the schedule in force when it runs.
void set_schedule(Schedule schedule);

/// The full text of the last error that the emulation reported; empty if none since the last reset.
std::string last_report();

/// Device memory to offer, in bytes (at most 8 GiB; initially 2 GiB), to reach out-of-memory paths.
void set_device_memory(std::size_t bytes);

/// Number of devices to report, to reach the paths of a machine without a device and of one with
/// several (which share one memory). Of a program, the environment's EMULATED_DEVICES; initially 1.
void set_device_count(int count);

/// Bytes of device memory allocated and not freed.
std::size_t device_bytes_in_use();

/// Kernels that have run since the process started.
std::uint64_t kernels_run();

}  // namespace reprise::emulation
