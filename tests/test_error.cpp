// Each kind of error, as a program that uses the library tells them apart.

#include "reprise/error.h"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "core/files.h"
#include "io/npy.h"
#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/song_set.h"
#include "tiny_disk.h"

namespace reprise {
namespace {

TEST(ErrorKinds, AWrongFileIsAnInputError) {
  EXPECT_THROW(read_song_set("/no/such/file.h5"), InputError);
  EXPECT_THROW(read_song_set(REPRISE_SOURCE_DIR "/README.md"), InputError);
}

TEST(ErrorKinds, AWrongParameterIsASettingsError) {
  Config config;
  EXPECT_THROW(config.set("unit_norm", "perhaps"), SettingsError);
  EXPECT_THROW(config.set("no_such_key", "1"), SettingsError);
}

TEST(ErrorKinds, AFullDiskIsAMachineError) {
  const auto folder = std::filesystem::temp_directory_path() / "reprise-error-kinds";
  TinyDisk disk(folder, 16);
  if (!disk.mounted()) GTEST_SKIP() << "mounting takes root";
  const std::vector<float> values(100'000);
  EXPECT_THROW(write_npy(disk.file("much.npy"), {100'000}, values.data()), MachineError);
}

// A sanitizer's allocator ends the program instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ErrorKinds, TooLittleMemoryIsOutOfMemory) {
  const auto backend = make_cpu_backend(1);
  EXPECT_THROW(backend->allocate(std::numeric_limits<std::ptrdiff_t>::max() / 2), OutOfMemory);
}
#endif

// Options are the command line's to name: a program with another face shows these texts, too.
TEST(ErrorKinds, TextsNameNoOptionOfTheCommandLine) {
  const std::filesystem::path sources = REPRISE_SOURCE_DIR "/src";
  int files = 0;
  for (const char* module : {"core", "io", "collections", "audio", "backend", "model", "baselines",
                             "index", "evaluate", "train", "report"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sources / module)) {
      if (entry.path().extension() != ".cpp") continue;
      ++files;
      std::ifstream in(entry.path());
      bool example = false;  // of an importer's help
      for (std::string line; std::getline(in, line);) {
        example |= line.find(".example = ") != std::string::npos;
        if (example) {
          example = !line.ends_with(',');
          continue;
        }
        const auto option = line.find("--");
        const bool in_text = option != std::string::npos && option > 0 &&
                             line.rfind('"', option) != std::string::npos &&
                             option + 2 < line.size() && std::islower(line[option + 2]) != 0;
        EXPECT_FALSE(in_text && line.find("//") > option) << entry.path() << ": " << line;
      }
    }
  EXPECT_GT(files, 50);
}

// Advice is found by a part of the library's text: a text that changes must take its advice along.
TEST(ErrorKinds, AdviceIsForTextsThatThereAre) {
  const std::filesystem::path sources = REPRISE_SOURCE_DIR "/src";
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  std::string library;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sources))
    if (entry.path().extension() == ".cpp" && entry.path().parent_path().filename() != "cli")
      library += read(entry.path());
  // Texts that go on in the next line are one.
  std::string joined;
  for (std::size_t at = 0; at < library.size(); ++at) {
    std::size_t next = library[at] == '"' ? library.find_first_not_of(" \n", at + 1) : at;
    if (next != std::string::npos && next > at + 1 && library[next] == '"')
      at = next;
    else
      joined += library[at];
  }
  std::ifstream advice(sources / "cli/advice.cpp");
  int rows = 0;
  for (std::string line; std::getline(advice, line);) {
    const std::size_t first = line.find("{\""), last = line.find("\",", first);
    if (first == std::string::npos || last == std::string::npos) continue;
    const std::string text = line.substr(first + 2, last - first - 2);
    EXPECT_NE(joined.find(text), std::string::npos) << text;
    ++rows;
  }
  EXPECT_GT(rows, 15);
}

TEST(ErrorKinds, EveryKindIsAnError) {
  EXPECT_TRUE((std::is_base_of_v<Error, InputError>));
  EXPECT_TRUE((std::is_base_of_v<Error, SettingsError>));
  EXPECT_TRUE((std::is_base_of_v<MachineError, OutOfMemory>));
  EXPECT_TRUE((std::is_base_of_v<Error, InternalError>));
}

}  // namespace
}  // namespace reprise
