#pragma once

#include <cmath>
#include <numbers>
#include <vector>

namespace reprise::cpu {

/// A discrete Fourier transform of any length as passes of small ones, in Stockham's order (no
/// reordering of the data; Cochran et al. 1967): a pass of radix r takes the lengths left, r m, to
/// m. Powers of two go by eights, every other prime by itself.
struct FourierPlan {
  struct Pass {
    int radix;
    int rest;  ///< m
    /// exp(-2 pi i p j / (r m)), re and im, for p = 0 .. m - 1 and j = 1 .. r - 1
    std::vector<float> turns;
    std::vector<float> roots;  ///< exp(-2 pi i j / r), re and im, for j = 0 .. r - 1
  };

  explicit FourierPlan(int transform_length) : length(transform_length) {
    for (int left = length; left > 1;) {
      const int radix = factor(left);
      Pass pass{radix, left / radix, {}, {}};
      for (int p = 0; p < pass.rest; ++p)
        for (int j = 1; j < radix; ++j) push_root(pass.turns, p * j, left);
      for (int j = 0; j < radix; ++j) push_root(pass.roots, j, radix);
      left = pass.rest;
      passes.push_back(std::move(pass));
    }
  }

  int length;
  std::vector<Pass> passes;

 private:
  static int factor(int n) {
    for (const int radix : {8, 4, 2, 3, 5})
      if (n % radix == 0) return radix;
    int radix = 7;
    while (radix * radix <= n && n % radix != 0) radix += 2;
    return n % radix == 0 ? radix : n;
  }

  static void push_root(std::vector<float>& to, int numerator, int denominator) {
    const double angle = -2 * std::numbers::pi * numerator / denominator;
    to.push_back(static_cast<float>(std::cos(angle)));
    to.push_back(static_cast<float>(std::sin(angle)));
  }
};

}  // namespace reprise::cpu
