#include "warp_operation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "device_limits.h"
#include "emulation/fragment_layout.h"

namespace reprise::emulation {
namespace {

template <typename Number>
const MatrixProduct<Number>& product_of(const WarpRequest& request) {
  return *reinterpret_cast<const MatrixProduct<Number>*>(request.value);
}

/// Collects a matrix of `size` elements from the lanes' fragments.
template <typename Number>
void gather(const WarpRequest* requests, const Number* MatrixProduct<Number>::*part, int size,
            Number* matrix) {
  for (int lane = 0; lane < kWarp; ++lane) {
    const Number* fragment = product_of<Number>(requests[lane]).*part;
    for (int slot = 0; slot < size / kWarp; ++slot) {
      matrix[fragment_element(lane, slot)] = fragment[slot];
    }
  }
}

template <typename Number>
void multiply(const WarpRequest* requests) {
  using Product = MatrixProduct<Number>;
  constexpr int kMost = 32 * 16;  // elements of the largest operand
  const Product& shape = product_of<Number>(requests[0]);
  std::array<Number, kMost> a, b, d;
  gather(requests, &Product::a, shape.m * shape.k, a.data());
  gather(requests, &Product::b, shape.k * shape.n, b.data());
  gather(requests, &Product::c, shape.m * shape.n, d.data());
  for (int i = 0; i < shape.m; ++i) {
    for (int p = 0; p < shape.k; ++p) {
      const Number scale = a[i * shape.k + p];
      for (int j = 0; j < shape.n; ++j) d[i * shape.n + j] += scale * b[p * shape.n + j];
    }
  }
  for (int lane = 0; lane < kWarp; ++lane) {
    Number* fragment = product_of<Number>(requests[lane]).d;
    for (int slot = 0; slot < shape.m * shape.n / kWarp; ++slot) {
      fragment[slot] = d[fragment_element(lane, slot)];
    }
  }
}

template <typename Visit>
void for_each_lane(std::uint32_t mask, Visit visit) {
  for (; mask != 0; mask &= mask - 1) visit(std::countr_zero(mask));
}

template <typename Fold>
void reduce(const WarpRequest* requests, std::uint32_t mask, std::uint64_t* results, Fold fold) {
  auto total = static_cast<std::uint32_t>(requests[std::countr_zero(mask)].value);
  for_each_lane(mask & (mask - 1), [&](int lane) {
    total = fold(total, static_cast<std::uint32_t>(requests[lane].value));
  });
  for_each_lane(mask, [&](int lane) { results[lane] = total; });
}

}  // namespace

void combine(const WarpRequest* requests, std::uint32_t mask, std::uint64_t* results) {
  switch (requests[std::countr_zero(mask)].op) {
    case WarpOp::sync:
      return;
    case WarpOp::matrix:
      return multiply<float>(requests);
    case WarpOp::integer_matrix:
      return multiply<int>(requests);
    case WarpOp::shuffle:
      return for_each_lane(mask, [&](int lane) {
        results[lane] = requests[requests[lane].source & (kWarp - 1)].value;
      });
    case WarpOp::ballot:
      return for_each_lane(mask, [&](int lane) {
        results[lane] = 0;
        for_each_lane(mask, [&](int other) {
          results[lane] |= (requests[other].value != 0 ? std::uint64_t{1} : 0) << other;
        });
      });
    case WarpOp::match:
      return for_each_lane(mask, [&](int lane) {
        results[lane] = 0;
        for_each_lane(mask, [&](int other) {
          const bool equal = requests[other].value == requests[lane].value;
          results[lane] |= std::uint64_t{equal} << other;
        });
      });
    case WarpOp::add:
      return reduce(requests, mask, results, [](auto a, auto b) { return a + b; });
    case WarpOp::minimum:
      return reduce(requests, mask, results, [](auto a, auto b) { return std::min(a, b); });
    case WarpOp::maximum:
      return reduce(requests, mask, results, [](auto a, auto b) { return std::max(a, b); });
  }
}

}  // namespace reprise::emulation
