#pragma once

// Forward and backward of a case's bigrams by the definition.

#include <string>
#include <utility>
#include <vector>

#include "op_cases.h"
#include "oracle.h"
#include "tolerance.h"

namespace reprise {

/// What an implementation found.
struct BigramResults {
  std::vector<float> out, gradient, events_gradient;  // the last of given events only
  bool operator==(const BigramResults&) const = default;
};

/// The truth in double precision, and plain loops in single precision.
///
/// The slope of the signed root changes a thousandfold within 1e-6 of zero, so the largest error of
/// a fingerprint or gradient hangs on the rounding of the few bigrams that happen to lie there: one
/// plain loop is one draw of that, with a long tail. So the loops run in several orders of
/// summation, each of which has the chroma and the filters rolled alike, and each value counts as
/// its worst one does.
class BigramDefinition {
 public:
  BigramDefinition(const CaseSongs& songs, ChromaView in) : p_(songs.p) {
    truth_ = run<double>(songs, in, 0);
    plain_ = run<float>(songs, in, 0);
    if (p_.given_events) return;
    for (const int roll : {3, 5, 8, 10}) {
      const Values<float> other = run<float>(songs, in, roll);
      keep_worse(truth_.out, other.out, plain_.out);
      keep_worse(truth_.gradient, other.gradient, plain_.gradient);
    }
  }

  void expect_forward(const std::vector<float>& out, const std::string& what) const {
    expect_close(out, truth_.out, plain_.out, what);
  }

  void expect_backward(const BigramResults& r, const std::string& what) const {
    // Filters, biases and windows are of different sizes: each is held to its own scale.
    const int bias = p_.given_events ? 0 : p_.bias_offset();
    const std::pair<int, int> parts[] = {
        {0, bias}, {bias, p_.window_offset()}, {p_.window_offset(), p_.weights()}};
    for (const auto& [first, last] : parts)
      expect_close(std::span(r.gradient).subspan(first, last - first),
                   std::span(truth_.gradient).subspan(first, last - first),
                   std::span(plain_.gradient).subspan(first, last - first), what);
    expect_close(r.events_gradient, truth_.events_gradient, plain_.events_gradient, what);
  }

  /// The same for programs that are no tests; all weights on one scale.
  bool holds(const BigramResults& r) const {
    const auto within = [](const auto& result, const auto& truth, const auto& plain) {
      const Worst worst = worst_error(result, truth, plain);
      return worst.error <= worst.allowed;
    };
    return within(r.out, truth_.out, plain_.out) &&
           within(r.gradient, truth_.gradient, plain_.gradient) &&
           within(r.events_gradient, truth_.events_gradient, plain_.events_gradient);
  }

 private:
  template <class Real>
  struct Values {
    std::vector<Real> out, gradient, events_gradient;
  };

  template <class Real>
  Values<Real> run(const CaseSongs& songs, ChromaView in, int roll) const {
    Values<Real> v;
    v.gradient.assign(p_.weights(), 0);
    std::vector<float> weights = songs.weights;
    if (!p_.given_events) roll_filters(weights, roll);
    for (std::size_t i = 0; i < songs.excerpts.size(); ++i) {
      Excerpt e = songs.excerpts[i];
      e.roll = (e.roll + roll) % kPitchClasses;
      const std::vector<Real> x =
          p_.given_events ? events_of<Real>(in, e) : oracle::excerpt_chroma<Real>(in, e);
      const auto b = oracle::bigram_forward(x, weights, p_);
      v.out.insert(v.out.end(), b.out.begin(), b.out.end());
      const auto dout = songs.out_gradient.begin() + std::ptrdiff_t(i) * p_.dims();
      std::vector<Real> of_events;
      oracle::bigram_backward(x, weights, p_, std::vector<float>(dout, dout + p_.dims()),
                              v.gradient, p_.given_events ? &of_events : nullptr);
      v.events_gradient.insert(v.events_gradient.end(), of_events.begin(), of_events.end());
    }
    if (!p_.given_events) roll_filters(v.gradient, kPitchClasses - roll);
    return v;
  }

  template <class Real>
  std::vector<Real> events_of(ChromaView in, const Excerpt& e) const {
    const float* first = static_cast<const float*>(in.data) + e.first * p_.events;
    return {first, first + std::ptrdiff_t{e.frames} * p_.events};
  }

  template <class Real>
  void roll_filters(std::vector<Real>& weights, int roll) const {
    for (int at = 0; at < p_.bias_offset(); at += kPitchClasses)
      std::rotate(weights.begin() + at,
                  weights.begin() + at + (kPitchClasses - roll) % kPitchClasses,
                  weights.begin() + at + kPitchClasses);
  }

  static void keep_worse(const std::vector<double>& truth, const std::vector<float>& other,
                         std::vector<float>& kept) {
    for (std::size_t i = 0; i < truth.size(); ++i)
      if (std::abs(double{other[i]} - truth[i]) > std::abs(double{kept[i]} - truth[i]))
        kept[i] = other[i];
  }

  BigramParams p_;
  Values<double> truth_;
  Values<float> plain_;
};

}  // namespace reprise
