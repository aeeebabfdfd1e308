#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/op_params.h"
#include "reprise/random.h"
#include "small_set.h"

namespace reprise {

/// A small model whose learned values are random.
inline Model random_model(std::uint64_t seed) {
  Model model;
  model.config = Config::of_preset("reprise");
  for (const auto& [key, value] :
       {std::pair{"num_filters", "4"}, {"windows", "2"}, {"projection", "0"}})
    model.config.set(key, value);
  model.config.validate();
  Random random(seed);
  model.weights.resize(bigram_params(model.config).weights());
  for (float& weight : model.weights) weight = random.normal();
  for (float& value : model.key_template) value = random.uniform();
  return model;
}

inline Fingerprints candidates_of(const Model& model, const SongSet& set) {
  const auto backend = make_cpu_backend(1);
  std::vector<std::int64_t> all(static_cast<std::size_t>(set.songs()));
  std::iota(all.begin(), all.end(), 0);
  return ModelFingerprinter(*backend, model, "model").compute(set, all, Keys::candidate);
}

/// All that can be read from a catalogue, to tell two states apart.
struct CatalogueContents {
  std::vector<std::string> texts;
  std::vector<float> vectors;
  std::vector<float> chroma;
  std::vector<float> weights;
  bool operator==(const CatalogueContents&) const = default;
};

inline CatalogueContents contents_of(const std::string& path) {
  const Catalogue catalogue(path);
  CatalogueContents contents;
  const auto songs = catalogue.songs();
  for (const CatalogueSong& song : songs)
    for (const std::string& text : {song.song_id, song.work_id, song.title, song.artist})
      contents.texts.push_back(text);
  contents.vectors = catalogue.fingerprints(songs).values;
  const Fingerprints compact = catalogue.fingerprints(songs, StoredCopy::compact);
  contents.vectors.insert(contents.vectors.end(), compact.values.begin(), compact.values.end());
  contents.vectors.insert(contents.vectors.end(), compact.rolls.begin(), compact.rolls.end());
  contents.chroma = catalogue.song_set(songs).chroma_float;
  contents.weights = catalogue.model().weights;
  return contents;
}

/// A folder with a model and an empty catalogue for it.
class CatalogueTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder = std::filesystem::temp_directory_path() /
             (std::string("reprise-") + test->test_suite_name() + "-" + test->name() + "-" +
              std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    write_model(path("m.safetensors"), model);
    catalogue = path("c.reprise");
    Catalogue::create(catalogue, path("m.safetensors"));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  void add(const SongSet& set, bool replace = false) const {
    Catalogue(catalogue, Catalogue::Mode::write).add(set, candidates_of(model, set), replace);
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  std::filesystem::path folder;
  Model model = random_model(1);
  std::string catalogue;
};

/// The message of the Error that `work` throws; empty where it throws none.
template <class Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace reprise
