#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/backend.h"
#include "tolerance.h"

// How ops are tested. Each op has a file here with a struct of
//
//   kName                  of the op
//   Case                   with a member `name`
//   cases()                every Case
//   On(backend, case)      the arrays of a case on a back end; run() runs the op once, results()
//                          gives its results
//   definition<Real>(case) the same results by plain loops that share no code with the back ends,
//                          compared by the rule of tolerance.h; or, where that is not the rule, a
//                          class Definition
//   on_device(case)        whether a device runs it; all of them where this is left out
//
// and all.h lists them. From that list tests/test_ops.cpp runs every case on the CPU in every
// instruction set, tests/emulation/test_kernels_ops.cpp on the emulated device in several orders of
// threads, and bench/bench_ops.cpp times it.
namespace reprise::ops_test {

/// Results that are compared by themselves, as a loss and its gradient are of different sizes.
template <class Real>
struct Part {
  std::string name;
  std::vector<Real> values;
};
template <class Real>
using Parts = std::vector<Part<Real>>;

template <class Op>
Parts<float> results_of(Backend& backend, const typename Op::Case& c) {
  typename Op::On on(backend, c);
  on.run();
  return on.results();
}

/// The results of a case by the definition: the truth, and plain loops in single precision.
template <class Op>
class PlainDefinition {
 public:
  explicit PlainDefinition(const typename Op::Case& c)
      : name_(std::string(Op::kName) + " " + c.name),
        truth_(Op::template definition<double>(c)),
        plain_(Op::template definition<float>(c)) {}

  /// The rule of tolerance.h, part by part.
  void expect(const Parts<float>& results, const std::string& where) const {
    ASSERT_EQ(results.size(), truth_.size());
    for (std::size_t i = 0; i < results.size(); ++i)
      expect_close(results[i].values, truth_[i].values, plain_[i].values,
                   name_ + ", " + results[i].name + (where.empty() ? "" : ", ") + where);
  }

  /// The same for programs that are no tests.
  bool holds(const Parts<float>& results) const {
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Worst worst = worst_error(results[i].values, truth_[i].values, plain_[i].values);
      if (!(worst.error <= worst.allowed)) return false;
    }
    return true;
  }

 private:
  std::string name_;
  Parts<double> truth_;
  Parts<float> plain_;
};

template <class Op>
struct DefinitionOf {
  using Type = PlainDefinition<Op>;
};
template <class Op>
requires requires {
  typename Op::Definition;
}
struct DefinitionOf<Op> {
  using Type = typename Op::Definition;
};
/// An op whose rule is another has a class of its own, with the same three functions.
template <class Op>
using Definition = typename DefinitionOf<Op>::Type;

/// Whether a device runs the case; else it declines.
template <class Op>
bool runs_on_device(const typename Op::Case& c) {
  if constexpr (requires { Op::on_device(c); })
    return Op::on_device(c);
  else
    return true;
}

template <class Op>
void expect_same_bits(const Parts<float>& a, const Parts<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(a[i].values, b[i].values) << Op::kName << " " << what << ", " << a[i].name;
}

}  // namespace reprise::ops_test
