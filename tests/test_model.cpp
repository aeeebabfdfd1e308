#include "reprise/model.h"
#include "reprise/op_params.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "op_cases.h"
#include "oracle.h"
#include "reprise/error.h"

namespace reprise {
namespace {

// A model as another program would write it: the bytes of the safetensors format put together by
// hand, the configuration naming nothing but the preset.
std::string foreign_model(const std::vector<float>& weights) {
  const std::string header =
      R"({"__metadata__":{"format":"reprise-model","version":"1","config":"{\"preset\": \"seed2016\"}"},)"
      R"("events.bias":{"dtype":"F32","shape":[12],"data_offsets":[0,48]},)"
      R"("events.weight":{"dtype":"F32","shape":[12,1,12],"data_offsets":[48,624]},)"
      R"("windows.weight":{"dtype":"F32","shape":[12,12],"data_offsets":[624,1200]}})";
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = char(header.size() >> (8 * i) & 0xff);
  bytes += header;
  const auto append = [&](int first, int count) {
    bytes.append(reinterpret_cast<const char*>(&weights[first]), std::size_t(count) * 4);
  };
  append(144, 12);   // biases
  append(0, 144);    // filters
  append(156, 144);  // windows
  return bytes;
}

// The 2016 patchwork of x [frames, 12], from its definition.
std::vector<double> patchwork(const std::vector<double>& x) {
  const int frames = int(x.size()) / 12;
  const int repeats = frames <= 65 ? 65 / frames + 1 : 1;
  std::vector<double> out;
  for (int patch = 0; patch < 8; ++patch) {
    const int start = int(std::lrint(patch * double(frames * repeats - 64) / 7));
    for (int t = start; t < start + 64; ++t)
      for (int c = 0; c < 12; ++c) out.push_back(x[t % frames * 12 + c]);
  }
  return out;
}

TEST(Model, WeightsFromAnotherProgramGiveTheDefinitionsFingerprints) {
  const BigramParams p = bigram_params(Config::of_preset("seed2016"));
  const std::vector<float> weights = bigram_case_weights(p, 11);
  const auto path = std::filesystem::temp_directory_path() /
                    ("reprise-foreign-" + std::to_string(::getpid()) + ".safetensors");
  std::ofstream(path, std::ios::binary) << foreign_model(weights);
  const Model model = read_model(path.string());
  std::filesystem::remove(path);

  SongSet set;
  std::vector<std::int64_t> songs;
  for (const int frames : {1, 40, 64, 65, 66, 511, 512, 513, 3000}) {
    const auto chroma = random_chroma(frames, std::uint64_t(frames));
    set.chroma_float.insert(set.chroma_float.end(), chroma.begin(), chroma.end());
    set.offsets.push_back(set.offsets.back() + frames);
    songs.push_back(set.songs());
    set.song_id.push_back(std::to_string(frames));
  }
  set.work_id = set.song_id;
  set.split.assign(set.song_id.size(), "test");

  const auto backend = make_cpu_backend(2);
  ModelFingerprinter method(*backend, model, "foreign");
  const Fingerprints all = method.compute(set, songs, Keys::all);
  ASSERT_EQ(all.keys, 12);
  ASSERT_EQ(all.dims, 1728);
  for (const std::int64_t song : songs)
    for (const int roll : {0, 7}) {
      const Excerpt whole = set.whole(song, roll);
      const auto truth = oracle::bigram_forward(
          patchwork(oracle::excerpt_chroma<double>(set.chroma(), whole)), weights, p);
      double largest = 0, worst = 0;
      for (int d = 0; d < 1728; ++d) {
        largest = std::max(largest, std::abs(truth.out[d]));
        worst = std::max(worst, std::abs(all.values[(song * 12 + roll) * 1728 + d] - truth.out[d]));
      }
      EXPECT_LE(worst, 1e-5 * largest) << set.song_id[song] << " frames, roll " << roll;
    }
}

TEST(Model, CanonicalKeysUndoTransposition) {
  Model model;
  model.config = Config::of_preset("reprise");
  model.config.projection = 0;
  model.weights = bigram_case_weights(bigram_params(model.config), 12);
  for (int c = 0; c < 12; ++c) model.key_template[c] = float((c * 5 % 12) - 5.5) / 12;

  SongSet set;
  const std::vector<float> chroma = random_chroma(200, 13);
  for (int roll = 0; roll < 12; ++roll) {
    for (int t = 0; t < 200; ++t)
      for (int c = 0; c < 12; ++c)
        // A tonic that stands out gives the song a key.
        set.chroma_float.push_back(chroma[t * 12 + (c + 12 - roll) % 12] +
                                   ((c + 12 - roll) % 12 == 2 ? 0.7f : 0.0f));
    set.offsets.push_back(set.offsets.back() + 200);
    set.song_id.push_back(std::to_string(roll));
  }
  set.work_id = set.song_id;
  set.split.assign(12, "test");
  const auto backend = make_cpu_backend(1);
  ModelFingerprinter method(*backend, model, "canonical");
  std::vector<std::int64_t> songs{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const Fingerprints f = method.compute(set, songs, Keys::candidate);
  for (int roll = 1; roll < 12; ++roll) {
    EXPECT_EQ((f.rolls[roll] + roll) % 12, f.rolls[0]);
    for (int d = 0; d < f.dims; ++d)
      ASSERT_NEAR(f.values[std::size_t(roll) * f.dims + d], f.values[d], 1e-6);
  }
}

}  // namespace
}  // namespace reprise
