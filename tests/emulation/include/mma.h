// Stand-in for the toolkit's mma.h: warp-wide matrix products.
//
// Which lane holds which element is unspecified on a device, so the mapping here is deliberately
// odd: code that relies on a guess fails. tf32 operands lose their low 13 bits in the product, as
// on a device; bytes are summed in integers. Loads and stores order nothing: a tile that another
// lane wrote needs __syncwarp.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"
#include "emulation/fragment_layout.h"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };
namespace precision {
struct tf32;
}

/// Rounds to the nearest tf32 value (10 bits of mantissa), ties away from zero.
inline float __float_to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

namespace detail {

template <typename T>
using storage_t = std::conditional_t<std::is_same_v<T, precision::tf32>, float, T>;

template <typename Use, int m, int n, int k>
inline constexpr int rows = std::is_same_v<Use, matrix_b> ? k : m;
template <typename Use, int m, int n, int k>
inline constexpr int columns = std::is_same_v<Use, matrix_a> ? k : n;

template <int m, int n, int k, typename T>
constexpr bool shape_exists() {
  if (std::is_same_v<T, precision::tf32>) return m == 16 && n == 16 && k == 8;
  const bool wide = k == 16 && m * n == 256 && (m == 8 || m == 16 || m == 32);
  return wide || (std::is_same_v<T, float> && m == 16 && n == 16 && k == 8);
}

/// Fails unless all 32 lanes are here with the same address and stride, both aligned.
template <typename T>
void check_tile(const T* tile, unsigned int stride, reprise::emulation::Site site) {
  const auto address = reinterpret_cast<std::uintptr_t>(tile);
  if (address % 32 != 0) {
    reprise::emulation::fail_kernel("the address of a matrix tile is not a multiple of 32 bytes",
                                    site);
  }
  if (stride * sizeof(T) % 16 != 0) {
    reprise::emulation::fail_kernel("the row stride of a matrix tile is not a multiple of 16 bytes",
                                    site);
  }
  const auto same =
      reprise::emulation::warp_collective({reprise::emulation::WarpOp::match, 0xffffffffu,
                                           address ^ (std::uint64_t{stride} << 48), 0, site});
  if (same != 0xffffffffu) {
    reprise::emulation::fail_kernel("lanes disagree on the address or stride of a matrix tile",
                                    site);
  }
}

template <typename F>
constexpr long offset_of(int slot, unsigned int stride, bool by_rows) {
  const int element = reprise::emulation::fragment_element(reprise::emulation::lane_index(), slot);
  const int row = element / F::columns, column = element % F::columns;
  return by_rows ? static_cast<long>(row) * stride + column
                 : static_cast<long>(column) * stride + row;
}

}  // namespace detail

template <typename Use, int m, int n, int k, typename T, typename Layout = void>
struct fragment {
  static_assert(detail::shape_exists<m, n, k, T>(), "no tensor-core product of this shape");
  using element_type = detail::storage_t<T>;
  static constexpr int rows = detail::rows<Use, m, n, k>;
  static constexpr int columns = detail::columns<Use, m, n, k>;
  static constexpr int num_elements = rows * columns / 32;
  element_type x[num_elements];
};

template <typename Use, int m, int n, int k, typename T, typename Layout>
void fill_fragment(fragment<Use, m, n, k, T, Layout>& f, const detail::storage_t<T>& value) {
  for (auto& x : f.x) x = value;
}

template <typename Use, int m, int n, int k, typename T, typename Layout>
void load_matrix_sync(fragment<Use, m, n, k, T, Layout>& f, const detail::storage_t<T>* tile,
                      unsigned int stride,
                      reprise::emulation::Site site = reprise::emulation::Site::current()) {
  using F = fragment<Use, m, n, k, T, Layout>;
  detail::check_tile(tile, stride, site);
  for (int slot = 0; slot < F::num_elements; ++slot) {
    f.x[slot] = tile[detail::offset_of<F>(slot, stride, std::is_same_v<Layout, row_major>)];
  }
}

template <int m, int n, int k, typename T>
void load_matrix_sync(fragment<accumulator, m, n, k, T>& f, const T* tile, unsigned int stride,
                      layout_t layout,
                      reprise::emulation::Site site = reprise::emulation::Site::current()) {
  using F = fragment<accumulator, m, n, k, T>;
  detail::check_tile(tile, stride, site);
  for (int slot = 0; slot < F::num_elements; ++slot) {
    f.x[slot] = tile[detail::offset_of<F>(slot, stride, layout == mem_row_major)];
  }
}

template <int m, int n, int k, typename T>
void store_matrix_sync(T* tile, const fragment<accumulator, m, n, k, T>& f, unsigned int stride,
                       layout_t layout,
                       reprise::emulation::Site site = reprise::emulation::Site::current()) {
  using F = fragment<accumulator, m, n, k, T>;
  detail::check_tile(tile, stride, site);
  for (int slot = 0; slot < F::num_elements; ++slot) {
    tile[detail::offset_of<F>(slot, stride, layout == mem_row_major)] = f.x[slot];
  }
}

/// d = a b + c over the warp, in single precision; of bytes in integers.
template <int m, int n, int k, typename T, typename Sum, typename LayoutA, typename LayoutB>
void mma_sync(fragment<accumulator, m, n, k, Sum>& d,
              const fragment<matrix_a, m, n, k, T, LayoutA>& a,
              const fragment<matrix_b, m, n, k, T, LayoutB>& b,
              const fragment<accumulator, m, n, k, Sum>& c,
              reprise::emulation::Site site = reprise::emulation::Site::current()) {
  static_assert(std::is_same_v<Sum, std::conditional_t<std::is_same_v<T, signed char>, int, float>>,
                "no tensor-core product with these sums");
  const auto operand = [](detail::storage_t<T> value) {
    const auto wide = static_cast<Sum>(value);
    if constexpr (!std::is_same_v<T, precision::tf32>) return wide;
    return std::bit_cast<Sum>(std::bit_cast<std::uint32_t>(wide) & ~0x1fffu);
  };
  Sum left[m * k / 32], right[k * n / 32];
  for (int slot = 0; slot < m * k / 32; ++slot) left[slot] = operand(a.x[slot]);
  for (int slot = 0; slot < k * n / 32; ++slot) right[slot] = operand(b.x[slot]);
  const reprise::emulation::MatrixProduct<Sum> product{m, n, k, left, right, c.x, d.x};
  constexpr auto op = std::is_same_v<Sum, int> ? reprise::emulation::WarpOp::integer_matrix
                                               : reprise::emulation::WarpOp::matrix;
  reprise::emulation::warp_collective(
      {op, 0xffffffffu, reinterpret_cast<std::uintptr_t>(&product), 0, site});
}

}  // namespace nvcuda::wmma
