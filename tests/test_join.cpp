#include "reprise/join.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "op_cases.h"
#include "oracle.h"
#include "reprise/error.h"
#include "reprise/op_params.h"
#include "small_set.h"

namespace reprise {
namespace {

class Join : public testing::Test {
 protected:
  static NamedModel model(const char* name, int event_length, std::uint64_t seed) {
    Model m;
    m.config = Config::of_preset("reprise");
    m.config.num_filters = 6;
    m.config.event_length = event_length;
    m.config.windows = 3;
    m.config.lags = {-4, -1, 0, 1, 4};
    m.config.projection = 12;
    m.config.projection_pca = 20;
    m.weights = bigram_case_weights(bigram_params(m.config), seed);
    for (int c = 0; c < kPitchClasses; ++c) m.key_template[c] = float(c * 5 % 12) / 12 - 0.46f;
    return {name, m};
  }

  SongSet set = small_set(12, 3);
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  NamedModel longer = model("longer", 4, 1), shorter = model("shorter", 1, 2);
};

// The fingerprint from the definitions: both models' unit bigrams in the song's key, one behind the
// other, projected, unit length.
TEST_F(Join, ProjectsBothModelsBigrams) {
  const std::vector<NamedModel> parts{longer, shorter};
  const Model joined = join(*backend, set, parts);
  ASSERT_EQ(joined.bigrams(), 2 * 3 * 6 * 6);
  ASSERT_EQ(joined.dims(), 12);
  ModelFingerprinter method(*backend, joined, "joined");
  const std::vector<std::int64_t> songs = set.songs_of("test");
  const Fingerprints found = method.compute(set, songs, Keys::candidate);
  for (std::size_t s = 0; s < songs.size(); ++s) {
    const auto x =
        oracle::excerpt_chroma<double>(set.chroma(), set.whole(songs[s], found.rolls[s]));
    std::vector<double> bigrams;
    for (const NamedModel& part : parts) {
      const auto of_part =
          oracle::bigram_forward(x, part.model.weights, bigram_params(part.model.config));
      bigrams.insert(bigrams.end(), of_part.out.begin(), of_part.out.end());
    }
    std::vector<double> truth(12);
    double square = 0;
    for (int d = 0; d < 12; ++d) {
      truth[d] = joined.projection_bias[d];
      for (std::size_t i = 0; i < bigrams.size(); ++i)
        truth[d] += double{joined.projection_weight[d * bigrams.size() + i]} * bigrams[i];
      square += truth[d] * truth[d];
    }
    for (int d = 0; d < 12; ++d)
      EXPECT_NEAR(found.values[s * 12 + d], truth[d] / std::sqrt(square), 2e-5) << s;
  }
}

TEST_F(Join, AFileKeepsAllOfIt) {
  NamedModel third = model("third", 2, 3);
  const Model two = join(*backend, set, std::vector<NamedModel>{longer, shorter});
  const Model three = join(*backend, set, std::vector<NamedModel>{third, {"two", two}});
  ASSERT_EQ(three.joined.size(), 2u);
  const auto path = std::filesystem::temp_directory_path() /
                    ("reprise-joined-" + std::to_string(::getpid()) + ".safetensors");
  write_model(path.string(), three);
  const Model read = read_model(path.string());
  std::filesystem::remove(path);
  ASSERT_EQ(read.joined.size(), 2u);
  EXPECT_EQ(read.joined[0].config, longer.model.config);
  EXPECT_EQ(read.joined[1].weights, shorter.model.weights);
  EXPECT_EQ(read.projection_weight, three.projection_weight);
  EXPECT_EQ(read.probability_weights, three.probability_weights);
}

TEST_F(Join, ModelsOfOtherKeysOrChromaAreRefused) {
  const auto message = [&](const NamedModel& other) -> std::string {
    try {
      join(*backend, set, std::vector<NamedModel>{longer, other});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  NamedModel other = shorter;
  other.model.config.query_keys = 3;
  EXPECT_EQ(message(other),
            "shorter: cannot be joined with longer: expected query_keys 2, found 3");
  other = shorter;
  other.model.key_template[0] += 0.1f;
  EXPECT_NE(message(other).find("the same key template"), std::string::npos);
  other = shorter;
  other.model.chroma_source = "hpcp";
  EXPECT_NE(message(other).find("the same kind of chroma"), std::string::npos);
  other = shorter;
  other.model.config.unit_norm = false;
  EXPECT_NE(message(other).find("unit_norm"), std::string::npos);
  other = longer;
  other.model.config.projection = 0;
  EXPECT_THROW(join(*backend, set, std::vector<NamedModel>{other, shorter}), Error);
  EXPECT_THROW(join(*backend, set, std::vector<NamedModel>{longer}), Error);
}

}  // namespace
}  // namespace reprise
