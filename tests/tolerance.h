#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <span>
#include <string>

namespace reprise {

/// The one rule for comparing floats: against the double-precision oracle, the error may be at most
/// twice that of a plain loop in the same precision, plus a floor of a few units in the last place
/// of the largest value.
struct Worst {
  double error = 0;    ///< largest |result - truth|
  double allowed = 0;  ///< what the rule allows
};

inline Worst worst_error(std::span<const float> result, std::span<const double> truth,
                         std::span<const float> plain, double floor_ulps = 8) {
  Worst worst;
  double scale = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    scale = std::max(scale, std::abs(truth[i]));
    worst.allowed = std::max(worst.allowed, 2 * std::abs(double{plain[i]} - truth[i]));
    const double error = std::abs(double{result[i]} - truth[i]);
    worst.error =
        std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst.error, error);
  }
  worst.allowed += floor_ulps * std::numeric_limits<float>::epsilon() * scale;
  return worst;
}

/// Appends the running test, the case and its error to the file that REPRISE_ERRORS of the
/// environment names: error_table.py makes a table of them.
inline void note_error(const Worst& worst, const std::string& what) {
  const char* path = std::getenv("REPRISE_ERRORS");
  if (path == nullptr) return;
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  std::ofstream(path, std::ios::app) << test.test_suite_name() << '.' << test.name() << '\t' << what
                                     << '\t' << worst.error << '\t' << worst.allowed << '\n';
}

inline void expect_close(std::span<const float> result, std::span<const double> truth,
                         std::span<const float> plain, const std::string& what) {
  ASSERT_EQ(result.size(), truth.size()) << what;
  ASSERT_EQ(plain.size(), truth.size()) << what;
  const Worst worst = worst_error(result, truth, plain);
  note_error(worst, what);
  EXPECT_LE(worst.error, worst.allowed) << what;
}

}  // namespace reprise
