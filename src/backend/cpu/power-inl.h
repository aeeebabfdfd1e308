// Powers of chroma values. Included once for each instruction set.

#if defined(REPRISE_POWER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef REPRISE_POWER_INL_H_
#undef REPRISE_POWER_INL_H_
#else
#define REPRISE_POWER_INL_H_
#endif

#include <hwy/highway.h>
// After it: the header of the functions relies on it.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

// v ^ power, for a power above 0; 0 where v is not above 0.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> raise(D d, hwy::HWY_NAMESPACE::Vec<D> v, float power) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto raised = hn::Exp(d, hn::Mul(hn::Set(d, power), hn::Log(d, v)));
  return hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), raised);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // REPRISE_POWER_INL_H_
