// The CUDA C++ built-ins as host functions: indices, barriers, warp operations, atomics,
// intrinsics.
//
// Barriers and warp operations take a defaulted source location, so that an error names the line of
// the call. Atomics are relaxed, as on a device, and order nothing else.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <type_traits>

#include "emulation/hooks.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __grid_constant__

// Objects and not macros, because `gridDim` and `blockDim` are also members of cudaLaunchConfig_t.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;
inline constexpr int warpSize = 32;

// Barriers and fences

inline void __syncthreads(reprise::emulation::Site site = reprise::emulation::Site::current()) {
  reprise::emulation::block_barrier(reprise::emulation::Vote::none, 0, site);
}
inline int __syncthreads_count(
    int predicate, reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return reprise::emulation::block_barrier(reprise::emulation::Vote::count, predicate, site);
}
inline int __syncthreads_and(int predicate,
                             reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return reprise::emulation::block_barrier(reprise::emulation::Vote::all, predicate, site);
}
inline int __syncthreads_or(int predicate,
                            reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return reprise::emulation::block_barrier(reprise::emulation::Vote::any, predicate, site);
}
inline void __syncwarp(unsigned int mask = 0xffffffffu,
                       reprise::emulation::Site site = reprise::emulation::Site::current()) {
  reprise::emulation::warp_collective({reprise::emulation::WarpOp::sync, mask, 0, 0, site});
}
inline void __threadfence() {
  reprise::emulation::memory_fence();
}
inline void __threadfence_block() {
  reprise::emulation::memory_fence();
}
[[noreturn]] inline void __trap(
    reprise::emulation::Site site = reprise::emulation::Site::current()) {
  reprise::emulation::fail_kernel("__trap()", site);
}

// Warp operations

namespace reprise::emulation {

template <typename T>
T shuffle(unsigned int mask, T value, int source, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_collective({WarpOp::shuffle, mask, bits, source, site});
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// Whether `other` lies in the same group of `width` lanes as `lane`.
inline bool same_segment(int lane, int other, int width) {
  return other >= 0 && other < 32 && lane / width == other / width;
}

}  // namespace reprise::emulation

template <typename T>
T __shfl_sync(unsigned int mask, T value, int source, int width = 32,
              reprise::emulation::Site site = reprise::emulation::Site::current()) {
  const int segment = reprise::emulation::lane_index() / width * width;
  return reprise::emulation::shuffle(mask, value, segment + (source & (width - 1)), site);
}
template <typename T>
T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32,
                 reprise::emulation::Site site = reprise::emulation::Site::current()) {
  const int lane = reprise::emulation::lane_index(), source = lane - static_cast<int>(delta);
  const bool inside = reprise::emulation::same_segment(lane, source, width);
  return reprise::emulation::shuffle(mask, value, inside ? source : lane, site);
}
template <typename T>
T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32,
                   reprise::emulation::Site site = reprise::emulation::Site::current()) {
  const int lane = reprise::emulation::lane_index(), source = lane + static_cast<int>(delta);
  const bool inside = reprise::emulation::same_segment(lane, source, width);
  return reprise::emulation::shuffle(mask, value, inside ? source : lane, site);
}
template <typename T>
T __shfl_xor_sync(unsigned int mask, T value, int lane_mask, int width = 32,
                  reprise::emulation::Site site = reprise::emulation::Site::current()) {
  // As on a device, a lane may read from an earlier segment but not from a later one.
  const int lane = reprise::emulation::lane_index(), source = lane ^ lane_mask;
  const bool inside = source / width <= lane / width && source < 32;
  return reprise::emulation::shuffle(mask, value, inside ? source : lane, site);
}
inline unsigned int __ballot_sync(
    unsigned int mask, int predicate,
    reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return static_cast<unsigned int>(reprise::emulation::warp_collective(
      {reprise::emulation::WarpOp::ballot, mask, predicate != 0, 0, site}));
}
inline int __any_sync(unsigned int mask, int predicate,
                      reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned int mask, int predicate,
                      reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return __ballot_sync(mask, predicate, site) == mask;
}
template <typename T>
unsigned int __match_any_sync(unsigned int mask, T value,
                              reprise::emulation::Site site = reprise::emulation::Site::current()) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return static_cast<unsigned int>(reprise::emulation::warp_collective(
      {reprise::emulation::WarpOp::match, mask, bits, 0, site}));
}
inline unsigned int __reduce_add_sync(
    unsigned int mask, unsigned int value,
    reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return static_cast<unsigned int>(
      reprise::emulation::warp_collective({reprise::emulation::WarpOp::add, mask, value, 0, site}));
}
inline unsigned int __reduce_min_sync(
    unsigned int mask, unsigned int value,
    reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return static_cast<unsigned int>(reprise::emulation::warp_collective(
      {reprise::emulation::WarpOp::minimum, mask, value, 0, site}));
}
inline unsigned int __reduce_max_sync(
    unsigned int mask, unsigned int value,
    reprise::emulation::Site site = reprise::emulation::Site::current()) {
  return static_cast<unsigned int>(reprise::emulation::warp_collective(
      {reprise::emulation::WarpOp::maximum, mask, value, 0, site}));
}

// Atomics

namespace reprise::emulation {

template <typename T, typename Update>
T atomic_update(T* address, Update update) {
  std::atomic_ref<T> cell(*address);
  T old = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(old, update(old), std::memory_order_relaxed)) {
  }
  return old;
}

template <typename T>
concept AtomicInteger = std::is_same_v<T, int> || std::is_same_v<T, unsigned int> ||
    std::is_same_v<T, unsigned long long>;

template <typename T>
concept AtomicNumber = AtomicInteger<T> || std::is_same_v<T, float> || std::is_same_v<T, double>;

}  // namespace reprise::emulation

template <reprise::emulation::AtomicNumber T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T old) { return old + value; });
}
template <reprise::emulation::AtomicInteger T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T old) { return std::min(old, value); });
}
template <reprise::emulation::AtomicInteger T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T old) { return std::max(old, value); });
}
template <reprise::emulation::AtomicInteger T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T old) { return old | value; });
}
template <reprise::emulation::AtomicInteger T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T old) { return old & value; });
}
template <reprise::emulation::AtomicNumber T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return reprise::emulation::atomic_update(address, [=](T) { return value; });
}
template <reprise::emulation::AtomicInteger T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*address).compare_exchange_strong(expected, value, std::memory_order_relaxed);
  return expected;
}
/// Wraps to 0 at `limit`, as the device's atomicInc.
inline unsigned int atomicInc(unsigned int* address, unsigned int limit) {
  return reprise::emulation::atomic_update(
      address, [=](unsigned int old) { return old >= limit ? 0u : old + 1; });
}

// Loads, bits and arithmetic

template <typename T>
T __ldg(const T* address) {
  return *address;
}
inline int __popc(unsigned int x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned int>(x));
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned int>(x)) + 1;
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline unsigned int __float_as_uint(float x) {
  return std::bit_cast<unsigned int>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline float __uint_as_float(unsigned int x) {
  return std::bit_cast<float>(x);
}
inline int __float2int_rn(float x) {
  return static_cast<int>(std::lrintf(x));
}
inline int __float2int_rz(float x) {
  return static_cast<int>(x);
}
inline int __float2int_rd(float x) {
  return static_cast<int>(std::floor(x));
}
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
/// Sine and cosine of pi x.
inline void sincospif(float x, float* sine, float* cosine) {
  const double angle = std::numbers::pi * static_cast<double>(x);
  *sine = static_cast<float>(std::sin(angle));
  *cosine = static_cast<float>(std::cos(angle));
}
inline float __fmaf_rn(float x, float y, float z) {
  return std::fmaf(x, y, z);
}
inline float __fadd_rn(float x, float y) {
  return x + y;
}
inline float __fmul_rn(float x, float y) {
  return x * y;
}
inline float __fdividef(float x, float y) {
  return x / y;
}
inline float __saturatef(float x) {
  return std::fmin(std::fmax(x, 0.f), 1.f);
}
inline float __expf(float x) {
  return std::exp(x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __powf(float x, float y) {
  return std::pow(x, y);
}
inline float rsqrtf(float x) {
  return 1.f / std::sqrt(x);
}
inline unsigned int __umulhi(unsigned int x, unsigned int y) {
  return static_cast<unsigned int>((static_cast<std::uint64_t>(x) * y) >> 32);
}

/// Sum of the four products of signed bytes, plus `sum`.
inline int __dp4a(int a, int b, int sum) {
  for (int byte = 0; byte < 4; ++byte) {
    sum += static_cast<std::int8_t>(a >> (8 * byte)) * static_cast<std::int8_t>(b >> (8 * byte));
  }
  return sum;
}

// The device's global min and max take mixed arguments as the usual conversions have them.
template <typename A, typename B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> min(
    A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}
template <typename A, typename B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> max(
    A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}
