#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "small_set.h"

namespace reprise {

namespace fs = std::filesystem;

inline std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

/// The real binary in a folder of its own, with a small song set.
class Cli : public testing::Test {
 protected:
  struct Result {
    int status;
    std::string out;
    std::string err;
  };

  void SetUp() override {
    folder = fs::temp_directory_path() /
             (std::string("reprise-cli-") + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directory(folder);
    set = small_set(10, 3);
    write_song_set(path("set.h5"), set);
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  Result run(const std::string& arguments) const {
    const std::string command = "cd '" + folder.string() + "' && " + REPRISE_PROGRAM + " " +
                                arguments + " >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(path("out.txt")),
            read(path("err.txt"))};
  }
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

  fs::path folder;
  SongSet set;
};

}  // namespace reprise
