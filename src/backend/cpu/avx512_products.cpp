#include "backend/cpu/avx512_products.h"

#include <hwy/base.h>

#include <algorithm>
#include <array>
#include <utility>

#if HWY_ARCH_X86_64
#include <immintrin.h>

namespace reprise::cpu {
namespace {

// Two vectors wide: with twelve rows 24 sums, two vectors of the panel and a broadcast.
constexpr int kLanes = 16;
constexpr __mmask16 kAll = 0xffff;  // g++ 12 warns of some unmasked forms (its bug 105593)
static_assert(kPanel == 2 * kLanes);

// g++ 12 keeps an array in registers only as vectors of the type that the instruction works on.
using Ints = std::int32_t __attribute__((vector_size(64)));

HWY_PUSH_ATTRIBUTES("avx512f,avx512vnni")
HWY_INLINE Ints ints(__m512i x) {
  return reinterpret_cast<Ints>(x);
}
HWY_INLINE __m512i words(Ints x) {
  return reinterpret_cast<__m512i>(x);
}

template <int kRows>
void byte_tile(const std::uint32_t* HWY_RESTRICT body, const std::uint32_t* HWY_RESTRICT queries,
               const std::int32_t* start, std::int64_t depth, float* scores) {
  Ints low[kRows], high[kRows];
  HWY_UNROLL(12)
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = ints(_mm512_set1_epi32(start[r]));
  for (std::int64_t w = 0; w < depth; ++w, body += kPanel, queries += kRows) {
    const __m512i c0 = _mm512_loadu_si512(body);
    const __m512i c1 = _mm512_loadu_si512(body + kLanes);
    HWY_UNROLL(12)
    for (int r = 0; r < kRows; ++r) {
      const __m512i x = _mm512_set1_epi32(static_cast<int>(queries[r]));
      low[r] = ints(_mm512_dpbusd_epi32(words(low[r]), c0, x));
      high[r] = ints(_mm512_dpbusd_epi32(words(high[r]), c1, x));
    }
  }
  HWY_UNROLL(12)
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(scores + r * kPanel, _mm512_maskz_cvtepi32_ps(kAll, words(low[r])));
    _mm512_storeu_ps(scores + r * kPanel + kLanes, _mm512_maskz_cvtepi32_ps(kAll, words(high[r])));
  }
}
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES("avx512f,avx512bf16")
template <int kRows>
void bfloat16_tile(const std::uint32_t* HWY_RESTRICT body,
                   const std::uint32_t* HWY_RESTRICT queries, const std::int32_t*,
                   std::int64_t depth, float* scores) {
  __m512 low[kRows], high[kRows];
  HWY_UNROLL(12)
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = _mm512_setzero_ps();
  for (std::int64_t w = 0; w < depth; ++w, body += kPanel, queries += kRows) {
    const auto c0 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(body));
    const auto c1 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(body + kLanes));
    HWY_UNROLL(12)
    for (int r = 0; r < kRows; ++r) {
      const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(queries[r])));
      low[r] = _mm512_dpbf16_ps(low[r], c0, x);
      high[r] = _mm512_dpbf16_ps(high[r], c1, x);
    }
  }
  HWY_UNROLL(12)
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(scores + r * kPanel, low[r]);
    _mm512_storeu_ps(scores + r * kPanel + kLanes, high[r]);
  }
}
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512bf16")
// Of 16 floats the first `count`, zeros after them.
HWY_INLINE __m512 load_some(const float* from, std::int64_t count) {
  const std::int64_t inside = std::clamp<std::int64_t>(count, 0, kLanes);
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << inside) - 1), from);
}

// The sum of the lanes.
HWY_INLINE float sum_lanes(__m512 x) {
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0b01001110));
  x = _mm512_add_ps(x, _mm512_maskz_shuffle_f32x4(kAll, x, x, 0b10110001));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0b01001110));
  x = _mm512_add_ps(x, _mm512_maskz_permute_ps(kAll, x, 0b10110001));
  return _mm512_cvtss_f32(x);
}

void pack(const float* values, std::int64_t count, std::int64_t words, std::uint32_t* to) {
  for (std::int64_t w = 0; w < words; w += kLanes) {
    const __m512 low = load_some(values + 2 * w, count - 2 * w);
    const __m512 high = load_some(values + 2 * w + kLanes, count - 2 * w - kLanes);
    _mm512_storeu_si512(to + w, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
}

void interleave(const float* even, const float* odd, std::int64_t count, std::uint32_t* to) {
  alignas(64) std::uint16_t places[2 * kLanes];
  for (int i = 0; i < 2 * kLanes; ++i)
    places[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * kLanes);
  const __m512i order = _mm512_load_si512(places);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t inside = std::min<std::int64_t>(kLanes, count - i);
    const __m512 low = load_some(even + i, inside);
    const __m512 high = odd ? load_some(odd + i, inside) : _mm512_setzero_ps();
    const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
    _mm512_mask_storeu_epi32(to + i, static_cast<__mmask16>((1u << inside) - 1),
                             _mm512_permutexvar_epi16(order, both));
  }
}

// Four rows by six: 24 sums in registers. Rows past the end repeat the last.
void add_products(const std::uint32_t* a, std::int64_t a_rows, const std::uint32_t* b,
                  std::int64_t b_rows, std::int64_t stride, std::int64_t words, float* s,
                  std::int64_t s_stride) {
  constexpr int kA = 4, kB = 6;
  for (std::int64_t i = 0; i < a_rows; i += kA)
    for (std::int64_t j = 0; j < b_rows; j += kB) {
      const std::uint32_t* x[kA];
      const std::uint32_t* y[kB];
      for (int r = 0; r < kA; ++r) x[r] = a + std::min(i + r, a_rows - 1) * stride;
      for (int q = 0; q < kB; ++q) y[q] = b + std::min(j + q, b_rows - 1) * stride;
      __m512 sum[kA][kB];
      HWY_UNROLL(4)
      for (int r = 0; r < kA; ++r) {
        HWY_UNROLL(6)
        for (int q = 0; q < kB; ++q) sum[r][q] = _mm512_setzero_ps();
      }
      for (std::int64_t w = 0; w < words; w += kLanes) {
        __m512bh of_a[kA];
        HWY_UNROLL(4)
        for (int r = 0; r < kA; ++r)
          of_a[r] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(x[r] + w));
        HWY_UNROLL(6)
        for (int q = 0; q < kB; ++q) {
          const auto of_b = reinterpret_cast<__m512bh>(_mm512_loadu_si512(y[q] + w));
          HWY_UNROLL(4)
          for (int r = 0; r < kA; ++r) sum[r][q] = _mm512_dpbf16_ps(sum[r][q], of_a[r], of_b);
        }
      }
      for (int r = 0; r < kA && i + r < a_rows; ++r)
        for (int q = 0; q < kB && j + q < b_rows; ++q)
          s[(i + r) * s_stride + j + q] += sum_lanes(sum[r][q]);
    }
}
HWY_POP_ATTRIBUTES

constexpr Bfloat16Rows kBfloat16Rows{pack, interleave, add_products};

template <std::size_t... kRows>
constexpr auto byte_tiles(std::index_sequence<kRows...>) {
  return std::array<ProductTile, sizeof...(kRows)>{byte_tile<static_cast<int>(kRows) + 1>...};
}

template <std::size_t... kRows>
constexpr auto bfloat16_tiles(std::index_sequence<kRows...>) {
  return std::array<ProductTile, sizeof...(kRows)>{bfloat16_tile<static_cast<int>(kRows) + 1>...};
}

constexpr auto kByteTiles = byte_tiles(std::make_index_sequence<kAvx512TileRows>());
constexpr auto kBfloat16Tiles = bfloat16_tiles(std::make_index_sequence<kAvx512TileRows>());

}  // namespace

const ProductTile* avx512_byte_tiles() {
  return __builtin_cpu_supports("avx512vnni") ? kByteTiles.data() : nullptr;
}

const ProductTile* avx512_bfloat16_tiles() {
  return __builtin_cpu_supports("avx512bf16") ? kBfloat16Tiles.data() : nullptr;
}

const Bfloat16Rows* avx512_bfloat16_rows() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") ? &kBfloat16Rows
                                                                                    : nullptr;
}

}  // namespace reprise::cpu

#else

namespace reprise::cpu {

const ProductTile* avx512_byte_tiles() {
  return nullptr;
}

const ProductTile* avx512_bfloat16_tiles() {
  return nullptr;
}

const Bfloat16Rows* avx512_bfloat16_rows() {
  return nullptr;
}

}  // namespace reprise::cpu

#endif
