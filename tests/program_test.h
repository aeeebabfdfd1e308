#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "small_set.h"

namespace reprise {

namespace fs = std::filesystem;

inline std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

/// A real program in a folder of its own, with a song set, set.h5.
class ProgramTest : public testing::Test {
 protected:
  struct Result {
    int status;
    std::string out;
    std::string err;
  };

  ProgramTest(std::string program, SongSet songs)
      : set(std::move(songs)), program_(std::move(program)) {}

  void SetUp() override {
    folder = fs::temp_directory_path() /
             (std::string("reprise-program-") + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directory(folder);
    write_song_set(path("set.h5"), set);
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  Result run(const std::string& arguments) const {
    const std::string command = "cd '" + folder.string() + "' && " + program_ + " " + arguments +
                                " >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(path("out.txt")),
            read(path("err.txt"))};
  }

  fs::path folder;
  SongSet set;

 private:
  std::string program_;
};

}  // namespace reprise
