#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "roofline/roofline.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "reprise/roofline.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::roofline::HWY_NAMESPACE {
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

}  // namespace reprise::roofline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#if HWY_ARCH_X86_64
#include <immintrin.h>
#endif

namespace reprise::roofline {

HWY_EXPORT(multiply_add);
HWY_EXPORT(read_all);

#if HWY_ARCH_X86_64
namespace {

// As multiply_add: 32 products of bfloat16 or 64 of bytes an instruction, two operations each.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bf16")
double bfloat16_pairs(long rounds, float* sink) {
  const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(sink[0])));
  __m512 a0 = _mm512_set1_ps(1), a1 = _mm512_set1_ps(2), a2 = _mm512_set1_ps(3);
  __m512 a3 = _mm512_set1_ps(4), a4 = _mm512_set1_ps(5), a5 = _mm512_set1_ps(6);
  __m512 a6 = _mm512_set1_ps(7), a7 = _mm512_set1_ps(8), a8 = _mm512_set1_ps(9);
  __m512 a9 = _mm512_set1_ps(10), a10 = _mm512_set1_ps(11), a11 = _mm512_set1_ps(12);
  for (long i = 0; i < rounds; ++i) {
    a0 = _mm512_dpbf16_ps(a0, x, x);
    a1 = _mm512_dpbf16_ps(a1, x, x);
    a2 = _mm512_dpbf16_ps(a2, x, x);
    a3 = _mm512_dpbf16_ps(a3, x, x);
    a4 = _mm512_dpbf16_ps(a4, x, x);
    a5 = _mm512_dpbf16_ps(a5, x, x);
    a6 = _mm512_dpbf16_ps(a6, x, x);
    a7 = _mm512_dpbf16_ps(a7, x, x);
    a8 = _mm512_dpbf16_ps(a8, x, x);
    a9 = _mm512_dpbf16_ps(a9, x, x);
    a10 = _mm512_dpbf16_ps(a10, x, x);
    a11 = _mm512_dpbf16_ps(a11, x, x);
  }
  const __m512 s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
  sink[2] = _mm512_cvtss_f32(s);
  return 2.0 * 12.0 * 32.0 * static_cast<double>(rounds);
}
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES("avx512f,avx512vnni")
double byte_quadruples(long rounds, float* sink) {
  const __m512i x = _mm512_set1_epi32(static_cast<int>(sink[0]));
  __m512i a0 = _mm512_set1_epi32(1), a1 = _mm512_set1_epi32(2), a2 = _mm512_set1_epi32(3);
  __m512i a3 = _mm512_set1_epi32(4), a4 = _mm512_set1_epi32(5), a5 = _mm512_set1_epi32(6);
  __m512i a6 = _mm512_set1_epi32(7), a7 = _mm512_set1_epi32(8), a8 = _mm512_set1_epi32(9);
  __m512i a9 = _mm512_set1_epi32(10), a10 = _mm512_set1_epi32(11), a11 = _mm512_set1_epi32(12);
  for (long i = 0; i < rounds; ++i) {
    a0 = _mm512_dpbusd_epi32(a0, x, x);
    a1 = _mm512_dpbusd_epi32(a1, x, x);
    a2 = _mm512_dpbusd_epi32(a2, x, x);
    a3 = _mm512_dpbusd_epi32(a3, x, x);
    a4 = _mm512_dpbusd_epi32(a4, x, x);
    a5 = _mm512_dpbusd_epi32(a5, x, x);
    a6 = _mm512_dpbusd_epi32(a6, x, x);
    a7 = _mm512_dpbusd_epi32(a7, x, x);
    a8 = _mm512_dpbusd_epi32(a8, x, x);
    a9 = _mm512_dpbusd_epi32(a9, x, x);
    a10 = _mm512_dpbusd_epi32(a10, x, x);
    a11 = _mm512_dpbusd_epi32(a11, x, x);
  }
  const __m512i s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
  sink[2] = static_cast<float>(_mm_cvtsi128_si32(_mm512_castsi512_si128(s)));
  return 2.0 * 12.0 * 64.0 * static_cast<double>(rounds);
}
HWY_POP_ATTRIBUTES

}  // namespace
#endif

static double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Operations a second of work(rounds, numbers).
static double peak_of(const auto& work) {
  volatile float half = 0.5f;
  float numbers[3] = {half, half, 0};
  double best = 0;
  // Many short runs: some fall between the interruptions of a busy machine.
  for (int run = 0; run < 200; ++run) {
    double operations = 0;
    const double seconds = seconds_of([&] { operations = work(50'000, numbers); });
    best = std::max(best, operations / seconds);
  }
  return best;
}

double peak_flops() {
  return peak_of([](long rounds, float* numbers) {
    return HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, numbers);
  });
}

double peak_bfloat16_flops() {
#if HWY_ARCH_X86_64
  if (__builtin_cpu_supports("avx512bf16")) return peak_of(bfloat16_pairs);
#endif
  return 0;
}

double peak_byte_operations() {
#if HWY_ARCH_X86_64
  if (__builtin_cpu_supports("avx512vnni")) return peak_of(byte_quadruples);
#endif
  return 0;
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

std::string limits() {
  std::string text =
      fmt::format("one core: {:.0f} GFLOP/s (fp32 multiply-add)", peak_flops() * 1e-9);
  if (const double peak = peak_bfloat16_flops(); peak > 0)
    text += fmt::format(", {:.0f} (bfloat16)", peak * 1e-9);
  if (const double peak = peak_byte_operations(); peak > 0)
    text += fmt::format(", {:.0f} Gop/s (bytes)", peak * 1e-9);
  for (const std::size_t kib : {24u, 512u, 8192u, 262144u})
    text += fmt::format(", {:.0f} GB/s from {} KiB", read_bandwidth(kib * std::size_t{1024}) * 1e-9,
                        kib);
  return text;
}

double forward_operations(const BigramParams& p, int frames) {
  const double t = p.event_frames(frames), n = p.events;
  return 2 * (t * n * p.filter_values() + t * n * n * distinct_lags(p).count +
              n * n * p.taps * p.windows);
}

double backward_operations(const BigramParams& p, int frames) {
  const double t = p.event_frames(frames), n = p.events;
  return 2 * (t * n * p.filter_values() + t * n * n * (2 * distinct_lags(p).count - 1) +
              2 * n * n * p.taps * p.windows);
}

}  // namespace reprise::roofline
#endif  // HWY_ONCE
