#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "recording_backend.h"
#include "reprise/error.h"
#include "reprise/evaluate.h"
#include "reprise/model.h"
#include "reprise/trainer.h"
#include "small_set.h"

namespace reprise {
namespace {

class Train : public testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() /
             (std::string("reprise-train-") + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static Config config(const std::string& preset) {
    Config c = Config::of_preset(preset);
    c.steps = 30;
    c.validate_every = 10;
    c.works_per_batch = 8;
    c.pairs_per_batch = 8;
    c.crop = 96;
    c.patches = 4;
    c.patch_frames = 24;
    if (c.projection > 0) {
      c.projection = 16;
      c.projection_pca = 20;
    }
    return c;
  }
  TrainingFiles files(const std::string& name) const {
    return TrainingFiles::beside((folder / (name + ".safetensors")).string());
  }
  static std::string bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  std::filesystem::path folder;
  SongSet set = small_set(12, 3);
};

TEST_F(Train, SongsThatDoNotFitAreCopiedBatchByBatch) {
  for (const char* preset : {"reprise", "seed2016"}) {
    Config c = config(preset);
    c.steps = 6;
    RecordingBackend roomy, tight;
    tight.memory = set.chroma_float.size() * sizeof(float);  // half of what residence takes
    bool all_resident = false, none_resident = false;
    train(roomy, set, c, {.files = files("roomy"), .report = [&](const TrainingProgress& p) {
                            all_resident = p.resident;
                          }});
    train(tight, set, c, {.files = files("tight"), .report = [&](const TrainingProgress& p) {
                            none_resident = !p.resident;
                          }});
    EXPECT_TRUE(all_resident && none_resident);
    EXPECT_EQ(bytes(files("roomy").model), bytes(files("tight").model)) << preset;
  }
}

TEST_F(Train, ResumedRunEqualsUninterruptedBitForBit) {
  const auto backend = make_cpu_backend(2);
  for (const char* preset : {"reprise", "seed2016"}) {
    const Config c = config(preset);
    const TrainingFiles whole = files(std::string(preset) + "-whole");
    const TrainingFiles parts = files(std::string(preset) + "-parts");
    ASSERT_TRUE(train(*backend, set, c, {.files = whole}).finished);
    // Stopped in the middle of nowhere, twice.
    for (const std::int64_t at : {7, 23}) {
      std::atomic<bool> stop{false};
      const auto halt = [&](const TrainingProgress& p) { stop = p.step >= at; };
      EXPECT_FALSE(
          train(*backend, set, c, {.files = parts, .resume = at > 7, .report = halt, .stop = &stop})
              .finished);
    }
    ASSERT_TRUE(train(*backend, set, c, {.files = parts, .resume = true}).finished);
    EXPECT_EQ(bytes(whole.model), bytes(parts.model)) << preset;
    EXPECT_EQ(bytes(whole.log), bytes(parts.log)) << preset;
  }
}

TEST_F(Train, SameWeightsForAnyNumberOfThreads) {
  const Config c = config("reprise");
  train(*make_cpu_backend(1), set, c, {.files = files("one")});
  train(*make_cpu_backend(3), set, c, {.files = files("three")});
  EXPECT_EQ(bytes(files("one").model), bytes(files("three").model));
  Config other = c;
  other.seed = 1;
  train(*make_cpu_backend(1), set, other, {.files = files("seed")});
  EXPECT_NE(bytes(files("one").model), bytes(files("seed").model));
}

TEST_F(Train, LearnsWhatUntrainedWeightsDoNotKnow) {
  const auto backend = make_cpu_backend(2);
  for (const Loss loss : {Loss::nt_xent, Loss::triplet}) {
    Config c = config("reprise");
    c.loss = loss;
    c.steps = 150;
    c.validate_every = 150;
    double first_loss = 0, last_loss = 0;
    const auto note = [&](const TrainingProgress& p) {
      (p.step <= 10 ? first_loss : last_loss) += p.step <= 10 || p.step > 140 ? p.loss / 10 : 0;
    };
    const TrainingOutcome outcome = train(*backend, set, c, {.report = note});
    EXPECT_LT(last_loss, 0.7 * first_loss) << name_of(loss);
    const Protocol test = make_protocol(set, "test");
    ModelFingerprinter method(*backend, outcome.model, "model");
    // By chance a MAP of 36 candidates and 2 versions is about 0.1.
    EXPECT_GT(evaluate(*backend, set, test, method).accuracy.map, 0.35) << name_of(loss);
  }
}

TEST_F(Train, ContrastiveLossFallsOnThe2016Model) {
  const auto backend = make_cpu_backend(2);
  Config c = config("seed2016");
  c.steps = 200;
  double first = 0, last = 0;
  const auto note = [&](const TrainingProgress& p) {
    (p.step <= 20 ? first : last) += p.step <= 20 || p.step > 180 ? p.loss / 20 : 0;
  };
  train(*backend, set, c, {.report = note});
  EXPECT_LT(last, 0.8 * first);
}

TEST_F(Train, ACheckpointOfOtherSettingsOrDataIsRefused) {
  const auto backend = make_cpu_backend(1);
  Config c = config("reprise");
  EXPECT_THROW(train(*backend, set, c, {.files = files("m"), .resume = true}), Error);  // none yet
  train(*backend, set, c, {.files = files("m")});
  c.learning_rate = 0.001;
  try {
    train(*backend, set, c, {.files = files("m"), .resume = true});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("learning_rate = 0.003, asked for is 0.001"),
              std::string::npos)
        << error.what();
  }
  set.song_id[0] = "renamed";
  EXPECT_THROW(train(*backend, set, config("reprise"), {.files = files("m"), .resume = true}),
               Error);
}

TEST_F(Train, DivergenceIsAnErrorNotAModel) {
  const auto backend = make_cpu_backend(1);
  Config c = config("seed2016");
  c.compression = Compression::none;
  for (float& value : set.chroma_float) value *= 1e20f;  // products past the range of float
  EXPECT_THROW(train(*backend, set, c, {.files = files("m")}), Error);
  EXPECT_FALSE(std::filesystem::exists(files("m").model));
}

// Bigrams over intervals, learned with tied rotations, are alike in all keys.
TEST_F(Train, InvariantModelsAreAlikeInAllKeys) {
  Config c = config("reprise");
  c.key_mode = KeyMode::invariant;
  c.query_keys = 1;
  c.pairs = KeptPairs::intervals;
  c.num_filters = 24;
  c.tie_rotations = true;
  c.projection = 0;
  const auto backend = make_cpu_backend(2);
  const Model model = train(*backend, set, c, {.files = files("a")}).model;
  ModelFingerprinter method(*backend, model, "a");
  const std::vector<std::int64_t> songs{0, 5};
  const Fingerprints f = method.compute(set, songs, Keys::all);
  EXPECT_EQ(f.dims, c.windows * 4 * 12);
  for (int song = 0; song < 2; ++song)
    for (int key = 1; key < 12; ++key)
      for (int d = 0; d < f.dims; ++d)
        ASSERT_NEAR(f.values[(song * 12 + key) * f.dims + d], f.values[song * 12 * f.dims + d],
                    2e-4f);
}

TEST_F(Train, WritesACurveAndALog) {
  const auto backend = make_cpu_backend(1);
  train(*backend, set, config("reprise"), {.files = files("m")});
  const std::string log = bytes(files("m").log);
  EXPECT_EQ(log.find("step,loss,gradient_norm,rate,validation_map\n1,"), 0u) << log;
  EXPECT_NE(log.find("\n30,"), std::string::npos);
  EXPECT_NE(bytes(files("m").curve).find("</svg>"), std::string::npos);
}

TEST_F(Train, OddsAreFittedWhereThereIsAValidationSplit) {
  const auto backend = make_cpu_backend(1);
  const Model with = train(*backend, set, config("reprise"), {.files = files("a")}).model;
  EXPECT_EQ(with.rerank_weights.size(), 5u);
  EXPECT_EQ(read_model(files("a").model).rerank_weights, with.rerank_weights);
  EXPECT_EQ(read_model(files("a").model).probability_weights, with.probability_weights);
  for (std::string& split : set.split)
    if (split == "validation") split = "noise";
  train(*backend, set, config("reprise"), {.files = files("b")});
  EXPECT_TRUE(read_model(files("b").model).rerank_weights.empty());
  EXPECT_TRUE(read_model(files("b").model).probability_weights.empty());
}

// A run without files leaves nothing behind and learns the same.
TEST_F(Train, FilesAreOptional) {
  const auto backend = make_cpu_backend(1);
  const Model in_memory = train(*backend, set, config("reprise")).model;
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  train(*backend, set, config("reprise"), {.files = {.model = files("m").model}});
  EXPECT_EQ(read_model(files("m").model).weights, in_memory.weights);
  EXPECT_FALSE(std::filesystem::exists(files("m").checkpoint));
  EXPECT_THROW(train(*backend, set, config("reprise"), {.resume = true}), SettingsError);
}

TEST_F(Train, ModelRoundTripGivesTheSameFingerprints) {
  const auto backend = make_cpu_backend(1);
  const TrainingOutcome outcome = train(*backend, set, config("reprise"), {.files = files("m")});
  const Model read = read_model(files("m").model);
  EXPECT_EQ(read.config, outcome.model.config);
  const std::vector<std::int64_t> songs{0, 5, 17};
  ModelFingerprinter before(*backend, outcome.model, "a"), after(*backend, read, "b");
  const Fingerprints a = before.compute(set, songs, Keys::query);
  const Fingerprints b = after.compute(set, songs, Keys::query);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.rolls, b.rolls);
  EXPECT_EQ(a.keys, 2);
  EXPECT_EQ(a.dims, 16);
  for (std::int64_t row = 0; row < 6; ++row) {
    double square = 0;
    for (int d = 0; d < 16; ++d) square += double(a.values[row * 16 + d]) * a.values[row * 16 + d];
    EXPECT_NEAR(square, 1, 1e-5);
  }
}

}  // namespace
}  // namespace reprise
