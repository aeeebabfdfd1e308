#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "program_test.h"

namespace reprise {

/// The command-line program.
class Cli : public ProgramTest {
 protected:
  Cli() : ProgramTest(REPRISE_PROGRAM, small_set(10, 3)) {}

  // One line on standard error that begins "reprise: " and holds `part`.
  void expect_error(const std::string& arguments, int status, const std::string& part) const {
    const Result r = run(arguments);
    EXPECT_EQ(r.status, status) << arguments << "\n" << r.err;
    EXPECT_EQ(r.err.find("reprise: "), 0u) << arguments << "\n" << r.err;
    EXPECT_NE(r.err.find(part), std::string::npos) << arguments << "\n" << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  static std::string small_training() {
    return " --set steps=40 --set validate_every=20 --set works_per_batch=8 --set crop=96 "
           "--set projection=12 --set projection_pca=16 ";
  }
  void train() const {
    const Result r = run("train --data set.h5 --out m.safetensors" + small_training());
    ASSERT_EQ(r.status, 0) << r.err;
  }
};

}  // namespace reprise
