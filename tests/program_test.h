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

/// A real program in a folder of its own.
class ProgramFolder : public testing::Test {
 protected:
  struct Result {
    int status;
    std::string out;
    std::string err;
  };

  explicit ProgramFolder(std::string program)
      : folder(fs::temp_directory_path() /
               (std::string("reprise-program-") + std::to_string(::getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name())),
        program_(std::move(program)) {
    fs::remove_all(folder);
    fs::create_directory(folder);
  }
  ~ProgramFolder() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  /// What a file of the folder holds.
  std::string read(const std::string& name) const { return reprise::read(folder / name); }

  Result run(const std::string& arguments) const {
    const std::string command = "cd '" + folder.string() + "' && " + program_ + " " + arguments +
                                " >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("out.txt"), read("err.txt")};
  }

  const fs::path folder;

 private:
  std::string program_;
};

/// The same, with a song set in the folder, set.h5.
class ProgramTest : public ProgramFolder {
 protected:
  ProgramTest(std::string program, SongSet songs)
      : ProgramFolder(std::move(program)), set(std::move(songs)) {}
  void SetUp() override { write_song_set(path("set.h5"), set); }

  SongSet set;
};

}  // namespace reprise
