#include "core/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/error.h"
#include "tiny_disk.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() : folder_(fs::temp_directory_path() / ("reprise-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    path_ = (folder_ / "file").string();
  }
  ~Files() override { fs::remove_all(folder_); }

  static std::string contents(const std::string& path) {
    const std::vector<std::uint8_t> bytes = read_file(path, 1 << 20);
    return {bytes.begin(), bytes.end()};
  }
  static std::string message_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(Files, ReplacesWhole) {
  replace_file(path_, std::string_view("first\0second", 12));
  EXPECT_EQ(contents(path_), std::string("first\0second", 12));
  replace_file(path_, std::string_view(""));
  EXPECT_EQ(contents(path_), "");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, FoldersAreListedAtAnyDepthButWhatIsHidden) {
  for (const char* name : {"b.x", "a.y", "deep/deeper/c.x", "deep/._c.x", ".hidden/d.x"}) {
    fs::create_directories((folder_ / name).parent_path());
    replace_file((folder_ / name).string(), std::string_view(""));
  }
  const auto is_x = [](const std::string& path) { return path.ends_with(".x"); };
  EXPECT_EQ(files_below(folder_.string(), is_x),
            (std::vector<std::string>{(folder_ / "b.x").string(),
                                      (folder_ / "deep/deeper/c.x").string()}));
  EXPECT_EQ(files_below((folder_ / ".hidden").string(), is_x).size(), 1u) << "named, not found";
  EXPECT_EQ(message_of([&] {
              files_below((folder_ / "none").string(), is_x);
            }).find((folder_ / "none").string() + ": cannot read this folder: "),
            0u);
}

TEST_F(Files, WritesBesideTheTargetAndRenames) {
  replace_file(path_, std::string_view("old"));
  replace_file(path_, [&](const std::string& temporary) {
    EXPECT_NE(temporary, path_);
    EXPECT_EQ(fs::path(temporary).parent_path(), folder_);
    EXPECT_EQ(contents(path_), "old");
    fs::copy_file(path_, temporary);
  });
  EXPECT_EQ(contents(path_), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, WritesInTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  replace_file("file", std::string_view("here"));
  fs::current_path(before);
  EXPECT_EQ(contents(path_), "here");
}

TEST_F(Files, FailureKeepsTheOldFileAndNothingElse) {
  replace_file(path_, std::string_view("old"));
  const auto half = [](const std::string& temporary) {
    replace_file(temporary, std::string_view("half"));
    throw std::runtime_error("stopped");
  };
  EXPECT_THROW(replace_file(path_, half), std::runtime_error);
  EXPECT_EQ(contents(path_), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, RefusesToWriteWhereItCannot) {
  const auto refusal = [](const std::string& path) {
    return message_of([&] { replace_file(path, std::string_view("x")); });
  };
  const std::string missing = (folder_ / "missing" / "file").string();
  EXPECT_EQ(refusal(missing),
            missing + ": the folder " + (folder_ / "missing").string() + " does not exist");
  EXPECT_EQ(refusal(folder_.string()), folder_.string() + ": expected a file name, found a folder");
  EXPECT_NE(refusal("/proc/self/reprise").find("/proc/self/reprise: cannot "), std::string::npos);
  EXPECT_EQ(refusal("/dev/full"), "/dev/full: expected a file name, found a device or pipe");
}

TEST_F(Files, ReplacesWhatALinkLeadsTo) {
  replace_file(path_, std::string_view("old"));
  const std::string link = (folder_ / "link").string();
  fs::create_symlink("file", link);
  replace_file(link, std::string_view("new"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(contents(path_), "new");
}

// Whatever a command was told to write, a catalogue of that name stays.
TEST_F(Files, NothingIsWrittenOverACatalogue) {
  const std::string catalogue("SQLite format 3\0 and so on", 26);
  std::ofstream(path_, std::ios::binary) << catalogue;
  EXPECT_EQ(message_of([&] { replace_file(path_, std::string_view("x")); }),
            path_ +
                ": expected the name of a file to write, found a catalogue: remove it first if "
                "you mean to");
  EXPECT_EQ(contents(path_), catalogue);
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, RefusesToWriteWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(message_of([&] { replace_file(path_, std::string_view("x")); }),
            path_ + ": cannot write in " + folder_.string() + ": Permission denied");
  fs::permissions(folder_, fs::perms::owner_all);
}

TEST_F(Files, FullDiskKeepsTheOldFile) {
  const TinyDisk disk(folder_ / "disk", 64);
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here";
  const std::string path = disk.file("file");
  replace_file(path, std::string_view("old"));
  EXPECT_EQ(message_of([&] { replace_file(path, std::string(100000, 'x')); }),
            path + ": cannot write: No space left on device");
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(disk.entries(), 1);
}

TEST_F(Files, ReadsWithinALimit) {
  replace_file(path_, std::string_view("12345"));
  EXPECT_EQ(read_file(path_, 5).size(), 5u);
  EXPECT_EQ(message_of([&] { read_file(path_, 4); }),
            path_ + ": expected at most 4 bytes, found 5");
  EXPECT_EQ(message_of([&] { read_file(path_ + "x", 4); }),
            path_ + "x: cannot open: No such file or directory");
  EXPECT_EQ(message_of([&] { read_file(folder_.string(), 4); }),
            folder_.string() + ": expected a file, found something else");
}

}  // namespace
}  // namespace reprise
