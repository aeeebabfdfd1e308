#include "reprise/config.h"

#include <gtest/gtest.h>

#include "recording_backend.h"
#include "reprise/error.h"
#include "reprise/model.h"

namespace reprise {
namespace {

TEST(Config, EveryPresetIsValidAndNamesItself) {
  for (const std::string_view name : preset_names()) {
    const Config config = Config::of_preset(name);
    config.validate();
    EXPECT_EQ(config.preset, name);
    EXPECT_EQ(Config::from_json(config.to_json(), "here"), config);
  }
}

TEST(Config, EveryRowReadsBackWhatItPrints) {
  const Config config = Config::of_preset("seed2016");
  Config copy = Config::of_preset("reprise");
  for (const Parameter& p : parameters()) copy.set(p.name, config.get(p.name));
  EXPECT_EQ(copy, config);
}

TEST(Config, EveryMemberHasARow) {
  // A member without a row would be left out of comparison by text.
  Config a = Config::of_preset("reprise"), b = a;
  for (const Parameter& p : parameters()) {
    EXPECT_FALSE(p.meaning.empty()) << p.name;
    EXPECT_FALSE(p.name.empty());
    EXPECT_EQ(a.get(p.name), b.get(p.name));
  }
}

TEST(Config, LagsReadRunsAndLists) {
  Config config = Config::of_preset("reprise");
  config.set("lags", "-2:1,5");
  EXPECT_EQ(config.lags, (std::vector<int>{-2, -1, 0, 1, 5}));
  EXPECT_THROW(config.set("lags", "1:0"), SettingsError);
  EXPECT_THROW(config.set("lags", "1,"), SettingsError);
  EXPECT_THROW(config.set("lags", "0:999999999"), SettingsError);
}

void expect_refused(const std::string& key, const std::string& value, const std::string& part) {
  Config config = Config::of_preset("reprise");
  try {
    config.set(key, value);
    config.validate();
    FAIL() << key << "=" << value << " was taken";
  } catch (const SettingsError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Config, WrongValuesAreNamed) {
  expect_refused("events", "0", "events: expected 1 to 512, found 0");
  expect_refused("events", "many", "events: expected a whole number, found 'many'");
  expect_refused("rate", "nan", "rate");
  expect_refused("loss", "hinge", "nt-xent|triplet|contrastive");
  expect_refused("unit_norm", "maybe", "true or false");
  expect_refused("no_such", "1", "unknown parameter 'no_such'");
  expect_refused("lags", "1,1", "different");
  expect_refused("lags", "4000", "lags");
  expect_refused("events", "1", "projection: expected at most the 20 bigrams");
  expect_refused("projection_pca", "100", "at least projection");
  expect_refused("key_mode", "all", "query_keys");
  expect_refused("stretch_low", "2", "stretch_high");
  EXPECT_THROW(Config::of_preset("reprize"), SettingsError);
}

TEST(Config, JsonErrorsNameTheFile) {
  for (const char* text :
       {"", "[]", "{\"events\": \"x\"}", "{\"events\": 1e300}", "{\"what\": 1}", "{\"lags\": 3}",
        "{\"events\": 100}", "{\"preset\": 3}", "{\"preset\": \"none\"}", "{\"rate\": null}"}) {
    try {
      Config::from_json(text, "some.file");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("some.file: "), 0u) << error.what();
    }
  }
}

TEST(Config, HashFollowsTheModelAndNotItsTraining) {
  Config config = Config::of_preset("reprise");
  const std::string hash = config.hash();
  config.set("steps", "17");
  EXPECT_EQ(config.hash(), hash);
  config.set("windows", "19");
  EXPECT_NE(config.hash(), hash);
}

// One parameter, one road: from text on the command line to what a back end receives.
TEST(Config, WindowLengthReachesTheBackEnd) {
  Config config = Config::of_preset("reprise");
  config.set("lags", "-3:9");
  config.set("projection", "0");
  config.validate();
  Model model;
  model.config = config;
  model.weights.assign(bigram_params(config).weights(), 0.1f);

  SongSet set;
  set.chroma_float.assign(40 * 12, 0.5f);
  set.offsets = {0, 40};
  set.song_id = set.work_id = {"one"};
  set.split = {"test"};
  RecordingBackend backend;
  ModelMethod method(backend, model, "model");
  const std::vector<std::int64_t> songs{0};
  method.compute(set, songs, Keys::candidate);
  ASSERT_EQ(backend.bigram_calls.size(), 1u);
  const BigramParams& seen = backend.bigram_calls[0];
  ASSERT_EQ(seen.taps, 13);
  for (int l = 0; l < 13; ++l) EXPECT_EQ(seen.lags[l], l - 3);
  EXPECT_EQ(seen.events, 24);
  EXPECT_EQ(seen.event_length, 4);
  EXPECT_EQ(seen.windows, 20);
}

}  // namespace
}  // namespace reprise
