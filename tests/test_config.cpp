#include "reprise/config.h"

#include <gtest/gtest.h>

#include <set>

#include "recording_backend.h"
#include "reprise/error.h"
#include "reprise/model.h"
#include "reprise/op_params.h"

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
  expect_refused("num_filters", "0", "num_filters: expected 1 to 512, found 0");
  expect_refused("num_filters", "many", "num_filters: expected a whole number, found 'many'");
  expect_refused("learning_rate", "nan", "learning_rate");
  expect_refused("loss", "hinge",
                 "loss: expected one of nt-xent|triplet|contrastive, found 'hinge'");
  expect_refused("loss", "", "nt-xent|triplet|contrastive");
  expect_refused("loss", "nt", "nt-xent|triplet|contrastive");
  expect_refused("unit_norm", "maybe", "true or false");
  expect_refused("no_such", "1", "unknown parameter 'no_such'");
  expect_refused("lags", "1,1", "different");
  expect_refused("lags", "4000", "lags");
  expect_refused("num_filters", "1", "projection: expected at most the 20 bigrams");
  expect_refused("projection_pca", "100", "at least projection");
  expect_refused("key_mode", "all", "query_keys");
  expect_refused("stretch_low", "2", "stretch_high");
  EXPECT_THROW(Config::of_preset("reprize"), SettingsError);
}

TEST(Config, JsonErrorsNameTheFile) {
  for (const char* text :
       {"", "[]", "{\"events\": \"x\"}", "{\"events\": 1e300}", "{\"what\": 1}", "{\"lags\": 3}",
        "{\"events\": 100}", "{\"loss\": \"hinge\"}", "{\"loss\": 1}", "{\"preset\": 3}",
        "{\"preset\": \"none\"}", "{\"rate\": null}"}) {
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

// Existing catalogues name their model by these.
TEST(Config, HashesOfThePresetsAreThoseOfExistingModels) {
  for (const auto& [preset, hash] : {std::pair{"reprise", "04bc7210d34aece0"},
                                     {"recipe-a", "06f20a605357565b"},
                                     {"plain", "05013b103f148d21"},
                                     {"seed2016", "58646465bde1f954"}})
    EXPECT_EQ(Config::of_preset(preset).hash(), hash) << preset;
}

TEST(Config, FormerNamesAreRead) {
  int renamed = 0;
  for (const Parameter& p : parameters()) {
    EXPECT_EQ(&parameter(p.name), &p);
    if (p.former.empty()) continue;
    ++renamed;
    EXPECT_EQ(&parameter(p.former), &p);
    for (const Parameter& other : parameters()) EXPECT_NE(other.name, p.former);
    // Half of what seed2016 has, under both names, by both roads.
    const std::string half =
        std::to_string(std::stod(Config::of_preset("seed2016").get(p.name)) / 2);
    const std::string value = half.substr(0, half.find(p.name == "num_filters" ? '.' : '\0'));
    Config by_name = Config::of_preset("seed2016"), by_former = by_name;
    by_name.set(p.name, value);
    by_former.set(p.former, value);
    EXPECT_EQ(by_name, by_former) << p.name;
    const std::string rest = "\": " + value + ", \"preset\": \"seed2016\"}";
    EXPECT_EQ(Config::from_json("{\"" + std::string(p.former) + rest, "here"), by_name) << p.name;
    EXPECT_EQ(Config::from_json("{\"" + std::string(p.name) + rest, "here"), by_name) << p.name;
    EXPECT_EQ(by_name.to_json().find("\"" + std::string(p.former) + "\""), std::string::npos);
  }
  EXPECT_EQ(renamed, 9);
  EXPECT_THROW(Config::from_json(R"({"rate": 0.1, "learning_rate": 0.1})", "here"), Error);
}

// As written before parameters were renamed.
TEST(Config, OldModelFilesAreRead) {
  Config expected = Config::of_preset("seed2016");
  expected.num_filters = 10;
  expected.negative_weight = 2;
  expected.loss = Loss::triplet;
  expected.unit_norm = true;
  EXPECT_EQ(Config::from_json(R"({"preset": "seed2016", "input": "patchwork", "events": 10,
      "lags": [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6], "loss": "triplet", "unit_norm": true,
      "alpha": 2.0, "rate": 0.0003, "clip": 0.0, "scale": 12.0})",
                              "old.safetensors"),
            expected);
}

template <class E>
void expect_every_name_reads_back(std::string_view key, E Config::*field) {
  ASSERT_TRUE(std::holds_alternative<E Config::*>(parameter(key).field));
  Config config = Config::of_preset("reprise");
  std::set<int> values;
  for (const Named<E>& choice : Choices<E>::all) {
    config.set(key, choice.name);
    EXPECT_EQ(config.*field, choice.value);
    EXPECT_EQ(config.get(key), choice.name);
    EXPECT_EQ(name_of(choice.value), choice.name);
    values.insert(static_cast<int>(choice.value));
  }
  // Enumerators count from 0: none but the last could be missing without leaving a hole.
  EXPECT_EQ(values.size(), std::size(Choices<E>::all));
  EXPECT_EQ(*values.rbegin() + 1, static_cast<int>(values.size()));
  EXPECT_EQ(parameter(key).choices().size(), values.size());
}

TEST(Config, EveryNameOfAChoiceReadsBack) {
  expect_every_name_reads_back("input", &Config::input);
  expect_every_name_reads_back("feature", &Config::feature);
  expect_every_name_reads_back("key_mode", &Config::key_mode);
  expect_every_name_reads_back("activation", &Config::activation);
  expect_every_name_reads_back("pooling", &Config::pooling);
  expect_every_name_reads_back("normalisation", &Config::normalisation);
  expect_every_name_reads_back("pairs", &Config::pairs);
  expect_every_name_reads_back("compression", &Config::compression);
  expect_every_name_reads_back("loss", &Config::loss);
  expect_every_name_reads_back("sampling", &Config::sampling);
  expect_every_name_reads_back("schedule", &Config::schedule);
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
  ModelFingerprinter method(backend, model, "model");
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
