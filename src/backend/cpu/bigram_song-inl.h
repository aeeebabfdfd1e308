// Steps that the forward and the backward of audio bigrams share. Included once for each
// instruction set.

#if defined(REPRISE_BIGRAM_SONG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_BIGRAM_SONG_INL_H_
#undef REPRISE_BIGRAM_SONG_INL_H_
#else
#define REPRISE_BIGRAM_SONG_INL_H_
#endif

#include "backend/cpu/bigram_layout.h"
#include "backend/cpu/micro_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// 1 / sqrt(v) to single precision: an estimate of 8 or 12 bits, and Newton's iteration.
HWY_INLINE Vec reciprocal_root(Vec v) {
  Vec r = hn::ApproximateReciprocalSqrt(v);
  const Vec half = hn::Mul(v, hn::Set(kF32, 0.5f));
  constexpr bool kTwelveBits = HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR;
  for (int i = 0; i < (kTwelveBits ? 1 : 2); ++i)
    r = hn::Mul(r, hn::NegMulAdd(hn::Mul(half, r), r, hn::Set(kF32, 1.5f)));
  return r;
}

// tanh(v) within 3 units in the last place: the quotient of polynomials in v^2 whose largest
// relative error, 6e-8, is least up to the limit, from where on tanh is 1 in single precision.
HWY_INLINE Vec hyperbolic_tangent(Vec v) {
  const auto set = [](float value) HWY_ATTR { return hn::Set(kF32, value); };
  const Vec x = hn::Clamp(v, set(-9.02f), set(9.02f));
  const Vec square = hn::Mul(x, x);
  Vec p = hn::MulAdd(square, set(1.816340352e-11f), set(-1.274424209e-08f));
  p = hn::MulAdd(square, p, set(9.255287469e-06f));
  p = hn::MulAdd(square, p, set(2.919430237e-03f));
  p = hn::MulAdd(square, p, set(1.291798962e-01f));
  p = hn::MulAdd(square, p, set(9.999999403e-01f));
  Vec q = hn::MulAdd(square, set(2.279162247e-04f), set(2.375771656e-02f));
  q = hn::MulAdd(square, q, set(4.625127260e-01f));
  q = hn::MulAdd(square, q, set(1.0f));
  return hn::Clamp(hn::Div(hn::Mul(x, p), q), set(-1.0f), set(1.0f));
}

struct Compressed {
  Vec value;
  Vec slope;  // its derivative
};

template <Compression kind>
HWY_INLINE Compressed compress(Vec g) {
  const Vec one = hn::Set(kF32, 1.0f);
  if constexpr (kind == Compression::tanh) {
    const Vec value = hyperbolic_tangent(g);
    return {value, hn::NegMulAdd(value, value, one)};
  } else if constexpr (kind == Compression::signed_root) {
    const Vec epsilon = hn::Set(kF32, kSignedRootEpsilon);
    const Vec magnitude = hn::Abs(g);
    const Vec r = reciprocal_root(hn::Add(magnitude, epsilon));
    const Vec cube = hn::Mul(r, hn::Mul(r, r));
    return {hn::Mul(g, r), hn::Mul(hn::MulAdd(hn::Set(kF32, 0.5f), magnitude, epsilon), cube)};
  } else {
    return {g, one};
  }
}

// Calls f.template operator()<kind>().
template <class F>
HWY_INLINE void with_compression(Compression kind, F&& f) {
  switch (kind) {
    case Compression::none:
      return f.template operator()<Compression::none>();
    case Compression::tanh:
      return f.template operator()<Compression::tanh>();
    case Compression::signed_root:
      return f.template operator()<Compression::signed_root>();
  }
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_BIGRAM_SONG_INL_H_
