// Fourier transforms side by side, one in each vector lane. Included once for each instruction set.

#if defined(REPRISE_FOURIER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_FOURIER_INL_H_
#undef REPRISE_FOURIER_INL_H_
#else
#define REPRISE_FOURIER_INL_H_
#endif

#include <hwy/highway.h>

#include <utility>

#include "backend/cpu/fourier_plan.h"
#include "backend/cpu/micro_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

struct Complex {
  // Written out: g++ compiles constructors of its own without the instruction set.
  HWY_INLINE Complex() {}
  HWY_INLINE Complex(Vec real, Vec imaginary) : re(real), im(imaginary) {}

  Vec re, im;
};

HWY_INLINE Complex operator+(Complex a, Complex b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
HWY_INLINE Complex operator-(Complex a, Complex b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
HWY_INLINE Complex over_i(Complex a) {  // -i a
  return {a.im, hn::Neg(a.re)};
}
// a times the number at w (re, im).
HWY_INLINE Complex turned(Complex a, const float* w) {
  const Vec re = hn::Set(kF32, w[0]), im = hn::Set(kF32, w[1]);
  return {hn::NegMulAdd(a.im, im, hn::Mul(a.re, re)), hn::MulAdd(a.im, re, hn::Mul(a.re, im))};
}

// Element i of complex vectors [.., re and im, kLanes].
HWY_INLINE Complex load(const float* x, std::int64_t i) {
  return {hn::LoadU(kF32, x + 2 * kLanes * i), hn::LoadU(kF32, x + 2 * kLanes * i + kLanes)};
}
HWY_INLINE void store(Complex a, float* x, std::int64_t i) {
  hn::StoreU(a.re, kF32, x + 2 * kLanes * i);
  hn::StoreU(a.im, kF32, x + 2 * kLanes * i + kLanes);
}

// The transform of R numbers in place.
template <int R>
HWY_INLINE void small_transform(Complex* v) {
  if constexpr (R == 2) {
    const Complex a = v[0];
    v[0] = a + v[1];
    v[1] = a - v[1];
  } else if constexpr (R == 4) {
    const Complex a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = over_i(v[1] - v[3]);
    v[0] = a + c;
    v[1] = b + d;
    v[2] = a - c;
    v[3] = b - d;
  } else {
    static_assert(R == 8);
    Complex even[4] = {v[0], v[2], v[4], v[6]}, odd[4] = {v[1], v[3], v[5], v[7]};
    small_transform<4>(even);
    small_transform<4>(odd);
    const Vec root = hn::Set(kF32, 0.70710678f);
    const auto eighth = [&](Complex a) HWY_ATTR {  // by exp(-i pi / 4)
      return Complex{hn::Mul(root, hn::Add(a.re, a.im)), hn::Mul(root, hn::Sub(a.im, a.re))};
    };
    odd[1] = eighth(odd[1]);
    odd[2] = over_i(odd[2]);
    odd[3] = over_i(eighth(odd[3]));
    HWY_UNROLL(4)
    for (int k = 0; k < 4; ++k) {
      v[k] = even[k] + odd[k];
      v[k + 4] = even[k] - odd[k];
    }
  }
}

// A pass from x to y. Elements `done` apart belong to one transform of what is left.
template <int R>
void even_pass(const FourierPlan::Pass& pass, std::int64_t done, const float* HWY_RESTRICT x,
               float* HWY_RESTRICT y) {
  for (std::int64_t p = 0; p < pass.rest; ++p)
    for (std::int64_t q = 0; q < done; ++q) {
      Complex v[R];
      HWY_UNROLL(8)
      for (int j = 0; j < R; ++j) v[j] = load(x, q + done * (p + pass.rest * j));
      small_transform<R>(v);
      const float* turns = pass.turns.data() + p * (2 * (R - 1));
      if (p > 0) {
        HWY_UNROLL(7)
        for (int j = 1; j < R; ++j) v[j] = turned(v[j], turns + 2 * (j - 1));
      }
      HWY_UNROLL(8)
      for (int j = 0; j < R; ++j) store(v[j], y, q + done * (R * p + j));
    }
}

// The same for an odd radix r, from sums and differences of what lies symmetrically: with
// s_j = x_j + x_r-j and d_j = x_j - x_r-j, the values k and r - k are
//   x_0 + sum_j s_j cos(2 pi j k / r)  -/+  i sum_j d_j sin(2 pi j k / r),   j = 1 .. (r - 1) / 2
inline void odd_pass(const FourierPlan::Pass& pass, std::int64_t done, const float* HWY_RESTRICT x,
                     float* HWY_RESTRICT y) {
  const int r = pass.radix;
  for (std::int64_t p = 0; p < pass.rest; ++p)
    for (std::int64_t q = 0; q < done; ++q) {
      const auto in = [&](int j) HWY_ATTR { return load(x, q + done * (p + pass.rest * j)); };
      const auto out = [&](int k, Complex value) HWY_ATTR {
        const float* turns = pass.turns.data() + 2 * (p * (r - 1) + k - 1);
        store(k == 0 || p == 0 ? value : turned(value, turns), y, q + done * (r * p + k));
      };
      Complex total = in(0);
      for (int j = 1; j < r; ++j) total = total + in(j);
      out(0, total);
      for (int k = 1; k <= r / 2; ++k) {
        Complex sums = in(0), differences{hn::Zero(kF32), hn::Zero(kF32)};
        for (int j = 1, angle = k; j <= r / 2; ++j, angle = (angle + k) % r) {
          const Complex a = in(j), b = in(r - j), s = a + b, d = a - b;
          const Vec cos = hn::Set(kF32, pass.roots[2 * angle]);
          const Vec sin = hn::Set(kF32, -pass.roots[2 * angle + 1]);
          sums = {hn::MulAdd(s.re, cos, sums.re), hn::MulAdd(s.im, cos, sums.im)};
          differences = {hn::MulAdd(d.re, sin, differences.re),
                         hn::MulAdd(d.im, sin, differences.im)};
        }
        const Complex turned_back = over_i(differences);
        out(k, sums + turned_back);
        out(r - k, sums - turned_back);
      }
    }
}

// The transforms of x [length, 2, kLanes]. Both arrays, of that size, are used; returns the one
// that holds the result.
inline float* fourier(const FourierPlan& plan, float* x, float* y) {
  std::int64_t done = 1;
  for (const FourierPlan::Pass& pass : plan.passes) {
    switch (pass.radix) {
      case 2:
        even_pass<2>(pass, done, x, y);
        break;
      case 4:
        even_pass<4>(pass, done, x, y);
        break;
      case 8:
        even_pass<8>(pass, done, x, y);
        break;
      default:
        odd_pass(pass, done, x, y);
    }
    done *= pass.radix;
    std::swap(x, y);
  }
  return x;
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_FOURIER_INL_H_
