// CUDA's built-in vector types with their sizes and alignments.
#pragma once

struct uint3 {
  unsigned int x, y, z;
};

struct dim3 {
  unsigned int x = 1, y = 1, z = 1;
  constexpr dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1)
      : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

inline uint3 make_uint3(unsigned int x, unsigned int y, unsigned int z) {
  return {x, y, z};
}

// Two- and four-element vectors are aligned to their whole size, so that a misaligned vector load
// is reported by the undefined-behaviour sanitizer as it would fault on a device.
#define EMULATION_VECTOR(scalar, name)                                        \
  struct alignas(2 * sizeof(scalar)) name##2 {                                \
    scalar x, y;                                                              \
  };                                                                          \
  struct alignas(4 * sizeof(scalar) > 16 ? 16 : 4 * sizeof(scalar)) name##4 { \
    scalar x, y, z, w;                                                        \
  };                                                                          \
  inline name##2 make_##name##2(scalar x, scalar y) {                         \
    return {x, y};                                                            \
  }                                                                           \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) {     \
    return {x, y, z, w};                                                      \
  }

EMULATION_VECTOR(char, char)
EMULATION_VECTOR(unsigned char, uchar)
EMULATION_VECTOR(short, short)
EMULATION_VECTOR(unsigned short, ushort)
EMULATION_VECTOR(int, int)
EMULATION_VECTOR(unsigned int, uint)
EMULATION_VECTOR(float, float)
EMULATION_VECTOR(double, double)
EMULATION_VECTOR(long long, longlong)
EMULATION_VECTOR(unsigned long long, ulonglong)
#undef EMULATION_VECTOR

struct float3 {
  float x, y, z;
};
inline float3 make_float3(float x, float y, float z) {
  return {x, y, z};
}

struct int3 {
  int x, y, z;
};
inline int3 make_int3(int x, int y, int z) {
  return {x, y, z};
}
