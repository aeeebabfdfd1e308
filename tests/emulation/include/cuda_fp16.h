// Stand-in for the toolkit's cuda_fp16.h: storage and conversion of IEEE half precision.
#pragma once

#include <bit>
#include <cstdint>

#include "emulation/vector_types.h"

struct __half_raw {
  unsigned short x;
};

struct __half {
  __half() = default;
  __half(float value) : bits(std::bit_cast<std::uint16_t>(static_cast<_Float16>(value))) {}
  __half(__half_raw raw) : bits(raw.x) {}
  operator float() const { return static_cast<float>(std::bit_cast<_Float16>(bits)); }

  std::uint16_t bits;
};
typedef __half half;

struct alignas(4) __half2 {
  __half x, y;
};
typedef __half2 half2;

inline __half __float2half(float value) {
  return __half(value);
}
inline __half __float2half_rn(float value) {
  return __half(value);
}
inline float __half2float(__half value) {
  return value;
}
inline __half2 __floats2half2_rn(float x, float y) {
  return {__half(x), __half(y)};
}
inline __half2 __float22half2_rn(float2 v) {
  return {__half(v.x), __half(v.y)};
}
inline float2 __half22float2(__half2 v) {
  return {v.x, v.y};
}
inline float __low2float(__half2 v) {
  return v.x;
}
inline float __high2float(__half2 v) {
  return v.y;
}
inline unsigned short __half_as_ushort(__half value) {
  return value.bits;
}
inline __half __ushort_as_half(unsigned short bits) {
  return __half_raw{bits};
}
