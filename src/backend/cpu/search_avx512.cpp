#include "backend/cpu/search_avx512.h"

#include <hwy/base.h>

#include <array>
#include <utility>

#include "backend/cpu/search_panels.h"

#if HWY_ARCH_X86_64
#include <immintrin.h>

namespace reprise::cpu {
namespace {

// Two vectors wide: with twelve rows 24 sums, two vectors of the panel and a broadcast.
constexpr int kLanes = 16;
constexpr __mmask16 kAll = 0xffff;  // g++ 12 warns of the unmasked conversion (its bug 105593)
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

}  // namespace reprise::cpu

#else

namespace reprise::cpu {

const ProductTile* avx512_byte_tiles() {
  return nullptr;
}

const ProductTile* avx512_bfloat16_tiles() {
  return nullptr;
}

}  // namespace reprise::cpu

#endif
