#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "roofline.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "roofline.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve independent chains hide the latency of the unit; returns the operations done.
double multiply_add(long rounds, float* sink) {
  const hn::CappedTag<float, 16> d;
  const auto x = hn::Set(d, sink[0]), y = hn::Set(d, sink[1]);
  // Each chain starts elsewhere: equal ones would be merged into one.
  const auto start = [&](float value) HWY_ATTR { return hn::Mul(x, hn::Set(d, value)); };
  auto a0 = start(1), a1 = start(2), a2 = start(3), a3 = start(4), a4 = start(5), a5 = start(6);
  auto a6 = start(7), a7 = start(8), a8 = start(9), a9 = start(10), a10 = start(11);
  auto a11 = start(12);
  for (long i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, x, y);
    a1 = hn::MulAdd(a1, x, y);
    a2 = hn::MulAdd(a2, x, y);
    a3 = hn::MulAdd(a3, x, y);
    a4 = hn::MulAdd(a4, x, y);
    a5 = hn::MulAdd(a5, x, y);
    a6 = hn::MulAdd(a6, x, y);
    a7 = hn::MulAdd(a7, x, y);
    a8 = hn::MulAdd(a8, x, y);
    a9 = hn::MulAdd(a9, x, y);
    a10 = hn::MulAdd(a10, x, y);
    a11 = hn::MulAdd(a11, x, y);
  }
  const auto s0 = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
  const auto s1 = hn::Add(hn::Add(a4, a5), hn::Add(a6, a7));
  const auto s2 = hn::Add(hn::Add(a8, a9), hn::Add(a10, a11));
  sink[2] = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), s2)));
  return 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

void read_all(const float* data, std::size_t count, float* sink) {
  const hn::CappedTag<float, 16> d;
  const std::size_t n = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (std::size_t i = 0; i + 4 * n <= count; i += 4 * n) {
    s0 = hn::Add(s0, hn::LoadU(d, data + i));
    s1 = hn::Add(s1, hn::LoadU(d, data + i + n));
    s2 = hn::Add(s2, hn::LoadU(d, data + i + 2 * n));
    s3 = hn::Add(s3, hn::LoadU(d, data + i + 3 * n));
  }
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

}  // namespace reprise::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::bench {

HWY_EXPORT(multiply_add);
HWY_EXPORT(read_all);

static double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double peak_flops() {
  volatile float half = 0.5f;
  float numbers[3] = {half, half, 0};
  double best = 0;
  // Many short runs: some fall between the interruptions of a busy machine.
  for (int run = 0; run < 200; ++run) {
    double operations = 0;
    const double seconds =
        seconds_of([&] { operations = HWY_DYNAMIC_DISPATCH(multiply_add)(50'000, numbers); });
    best = std::max(best, operations / seconds);
  }
  return best;
}

double read_bandwidth(std::size_t bytes) {
  const std::vector<float> data(bytes / sizeof(float), 1.0f);
  const int repeats = static_cast<int>(std::max<std::size_t>(1, (std::size_t{1} << 28) / bytes));
  float sink = 0;
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const double seconds = seconds_of([&] {
      for (int r = 0; r < repeats; ++r)
        HWY_DYNAMIC_DISPATCH(read_all)(data.data(), data.size(), &sink);
    });
    best = std::max(best, static_cast<double>(bytes) * repeats / seconds);
  }
  return best;
}

void print_peaks() {
  fmt::print("one core: {:.0f} GFLOP/s (fp32 multiply-add)", peak_flops() * 1e-9);
  for (const std::size_t kib : {24u, 512u, 8192u, 262144u})
    fmt::print(", {:.0f} GB/s from {} KiB", read_bandwidth(kib * std::size_t{1024}) * 1e-9, kib);
  fmt::print("\n");
}

}  // namespace reprise::bench
#endif  // HWY_ONCE
