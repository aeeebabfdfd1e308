// GCC 12 takes <regex> for uninitialised under the sanitizers.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

// What each module may include: public headers by name, other modules by folder. Arrows point down
// only; a back end or kernel never sees Config or a file.
const std::set<std::string> kPlain{"augment.h",  "chroma_engine.h", "choices.h", "error.h",
                                   "observer.h", "ops.h",           "params.h",  "random.h",
                                   "version.h",  "view.h"};
const std::map<std::string, std::set<std::string>> kAllowed{
    {"kernels", {}},
    {"src/cli", {}},
    {"src/blas", {"blas"}},
    {"src/backend", {"backend.h", "backend", "blas"}},
    {"src/roofline", {"roofline", "roofline.h"}},
    {"src/core", {"core", "blas", "config.h", "text.h", "files.h"}},
    {"src/io", {"io", "core", "song_set.h", "song_set_writer.h", "config.h"}},
    {"src/collections",
     {"collections", "audio", "io", "core", "song_set.h", "song_set_writer.h", "audio.h",
      "readers.h", "import.h", "division.h", "synth.h"}},
    {"src/audio", {"audio", "core", "audio.h"}},
    {"src/model",
     {"model", "io", "core", "song_set.h", "config.h", "backend.h", "fingerprints.h", "model.h",
      "op_params.h"}},
    {"src/baselines",
     {"baselines", "model", "io", "core", "song_set.h", "backend.h", "fingerprints.h", "model.h",
      "baselines.h"}},
    {"src/index",
     {"index", "io", "core", "song_set.h", "backend.h", "fingerprints.h", "model.h", "index.h",
      "catalogue.h"}},
    {"src/evaluate",
     {"evaluate", "index", "model", "io", "core", "song_set.h", "backend.h", "fingerprints.h",
      "model.h", "index.h", "evaluate.h", "rerank.h", "compare.h", "qmax.h"}},
    {"src/search",
     {"search",    "evaluate",    "index",      "model",        "collections",    "audio",
      "io",        "core",        "song_set.h", "backend.h",    "fingerprints.h", "model.h",
      "index.h",   "catalogue.h", "rerank.h",   "compare.h",    "text.h",         "files.h",
      "readers.h", "searcher.h",  "groups.h",   "comparison.h", "exports.h"}},
    {"src/report",
     {"report", "core", "song_set.h", "config.h", "backend.h", "fingerprints.h", "model.h",
      "evaluate.h", "op_params.h", "trainer.h", "report.h"}},
    {"src/train",
     {"train", "model", "io", "core", "song_set.h", "config.h", "backend.h", "fingerprints.h",
      "model.h", "index.h", "evaluate.h", "rerank.h", "calibrate.h", "join.h", "pair_distances.h",
      "op_params.h", "trainer.h"}},
};

// The command line sees the public headers and itself.
bool may_include(const std::string& module, const std::string& name, bool is_public) {
  if (module == "src/cli") return is_public || name == "cli";
  return kAllowed.at(module).contains(name);
}

std::string module_of(const std::string& path) {
  for (const auto& [name, allowed] : kAllowed)
    if (path.starts_with(name + "/")) return name;
  return "";
}

TEST(Layers, IncludesPointDownOnly) {
  const fs::path root = REPRISE_SOURCE_DIR;
  const std::regex include(
      R"re(^\s*#\s*include\s+[<"](reprise/)?([a-z_0-9]+)(/[^>"]*)?(\.[a-z]+)?[>"])re");
  int files = 0;
  for (const char* top : {"src", "kernels"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      const std::string module = module_of(path);
      if (!entry.is_regular_file() || module.empty()) continue;
      ++files;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch m;
        if (!std::regex_search(line, m, include)) continue;
        const bool is_public = m[1].matched;
        const std::string name = is_public ? m[2].str() + m[4].str() : m[2].str();
        const bool ours = is_public || (m[3].matched && fs::exists(root / "src" / m[2].str()));
        if (!ours || (is_public && kPlain.contains(name))) continue;
        EXPECT_TRUE(may_include(module, name, is_public)) << path << " may not include: " << line;
      }
    }
  }
  EXPECT_GT(files, 20);
}

TEST(Layers, PlainHeadersIncludeNothingElseOfOurs) {
  const fs::path headers = fs::path(REPRISE_SOURCE_DIR) / "include/reprise";
  for (const std::string& plain : kPlain) {
    std::ifstream in(headers / plain);
    ASSERT_TRUE(in) << plain;
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("#include \"reprise/")) {
        const std::string name = line.substr(18, line.size() - 19);
        EXPECT_TRUE(kPlain.contains(name)) << plain << " may not include " << name;
      }
  }
}

TEST(Layers, PublicHeadersSeeNoLibraryAndNoCuda) {
  for (const auto& entry :
       fs::directory_iterator(fs::path(REPRISE_SOURCE_DIR) / "include/reprise")) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("#include <")) {
        EXPECT_EQ(line.find('.'), std::string::npos) << entry.path() << ": " << line;
      }
  }
}

}  // namespace
