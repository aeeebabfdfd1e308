#include "baselines/definition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "oracle_family.h"
#include "reprise/baselines.h"
#include "reprise/error.h"
#include "song_set_of.h"
#include "tolerance.h"

namespace reprise {
namespace {

class Definitions : public testing::Test {
 protected:
  Definitions() {
    std::vector<float> quiet = random_chroma(90, 5);
    std::fill(quiet.begin() + 240, quiet.begin() + 480, 0.0f);      // a rest
    for (std::size_t t = 0; t < 90; ++t) quiet[t * 12 + 3] = 0.5f;  // a drone
    set = song_set_of({{"a", "a", "test", random_chroma(130, 1)},
                       {"b", "b", "test", quiet},
                       {"c", "c", "test", random_chroma(20, 3)}});
  }

  template <class Truth, class Plain>
  void expect_definition(const std::string& name, Truth truth, Plain plain) {
    const auto method = make_fingerprinter(name, *backend, set, {});
    const std::vector<std::int64_t> songs{0, 1, 2};
    const Fingerprints f = method->compute(set, songs, Keys::all);
    for (std::int64_t song = 0; song < 3; ++song)
      for (int roll = 0; roll < 12; ++roll) {
        const Excerpt excerpt = set.whole(song, roll);
        expect_close(std::span(f.values).subspan((song * 12 + roll) * f.dims, f.dims),
                     truth(set.chroma(), excerpt), plain(set.chroma(), excerpt),
                     name + " " + set.song_id[song] + " " + std::to_string(roll));
      }
  }

  std::unique_ptr<Backend> backend = make_cpu_backend(1);
  SongSet set;
};

TEST_F(Definitions, AreWhatTheirPapersSay) {
  using namespace oracle;
  expect_definition("landmarks", landmarks<double>, landmarks<float>);
  expect_definition("jumpcodes", jumpcodes<double>, jumpcodes<float>);
  expect_definition("intervalgram", intervalgram<double>, intervalgram<float>);
  expect_definition("bihistogram", bihistogram<double>, bihistogram<float>);
  expect_definition("harmonisation", harmonisation<double>, harmonisation<float>);
  expect_definition("chroma-covariance", chroma_covariance<double>, chroma_covariance<float>);
  // Those of the methods corr and cov, at length 1.
  const auto unit = [](auto print) {
    return [print](ChromaView chroma, const Excerpt& e) { return to_unit(print(chroma, e)); };
  };
  expect_definition("chroma-correlation", unit(correlation<double>), unit(correlation<float>));
  expect_definition("delta-covariance", unit(covariance<double>), unit(covariance<float>));
  EXPECT_EQ(definition_names().size(), 8u) << "each has its line above";
}

TEST_F(Definitions, KeysAndSizes) {
  for (const std::string_view name : definition_names()) {
    const auto method = make_fingerprinter(name, *backend, set, {});
    const std::vector<std::int64_t> songs{0};
    const Fingerprints f = method->compute(set, songs, Keys::query);
    EXPECT_EQ(f.keys, name == "intervalgram" ? 1 : 12) << name;
    EXPECT_EQ(f.dims, method->dims());
    EXPECT_EQ(method->name(), name);
  }
}

// Two kernels, the second of 12 numbers a frame, by hand: one frame of chroma 1 at pitch class 2.
TEST_F(Definitions, KernelsAreRotated) {
  const Model model = parse_definition(
      R"({"config": {"preset": "plain", "unit_norm": false, "loss": "contrastive", "lags": "0:1"}, "kernels":
          [[2], [[0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], 1]], "biases": [0.5, 0], "windows": [[4]]})",
      "x.json");
  EXPECT_EQ(model.config.num_filters, 24);
  EXPECT_EQ(model.config.event_length, 2);
  EXPECT_EQ(model.config.windows, 1);
  std::vector<float> two_frames(24, 0.0f);
  two_frames[2] = 1;
  const SongSet one = song_set_of({{"a", "a", "test", two_frames}});
  ModelFingerprinter method(*backend, model, "x");
  const std::vector<std::int64_t> songs{0};
  const std::vector<float> m = method.compute(one, songs, Keys::candidate).values;
  const auto event = [](int i) {
    if (i < 12) return i == 2 ? 2.5f : 0.5f;
    return i == 12 + 11 ? 3.0f : 0.0f;  // rotated up by 11: pitch class 3 + 11 is 2
  };
  for (int i = 0; i < 24; ++i)
    for (int j = 0; j < 24; ++j) EXPECT_EQ(m[i * 24 + j], 4 * event(i) * event(j)) << i << " " << j;
}

TEST_F(Definitions, RefusesWhatIsWrong) {
  const auto expect_refused = [](const char* json, const char* message) {
    try {
      parse_definition(json, "x.json");
      FAIL() << json;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("x.json: "), 0u) << error.what();
    }
  };
  expect_refused("{", "expected valid JSON");
  expect_refused("[]", "expected a JSON object");
  expect_refused("{}", "expected a key config");
  expect_refused(R"({"config": {}})", "expected a key kernels");
  expect_refused(R"({"config": {}, "kernels": [[1]], "colour": 1})", "unknown key 'colour'");
  expect_refused(R"({"config": {"colour": 1}, "kernels": [[1]]})", "unknown parameter 'colour'");
  expect_refused(R"({"config": {"lags": [1]}, "kernels": [[1]]})", "'lags': expected one value");
  expect_refused(R"({"config": {"preset": 3}, "kernels": [[1]]})", "expected valid JSON");
  expect_refused(R"({"config": {}, "kernels": []})", "kernels: expected a list of 1 to 5, found 0");
  expect_refused(R"({"config": {}, "kernels": [[[1, 2]]]})", "one number or 12, found 2");
  expect_refused(R"({"config": {}, "kernels": [["a"]]})", "kernels: expected numbers");
  expect_refused(R"({"config": {}, "kernels": [[1e999]]})", "x.json");
  expect_refused(R"({"config": {}, "kernels": [[1]], "biases": [1, 2]})", "found 2");
  expect_refused(R"({"config": {}, "kernels": [[1]], "windows": [[1, 2]]})", "list of 1 to 1");
  expect_refused(R"({"config": {"pairs": "intervals"}, "kernels": [[1]]})", "key_mode invariant");
  expect_refused(R"({"config": {"preset": "reprise"}, "kernels": [[1]]})", "projection");
  EXPECT_THROW(load_definition("none"), SettingsError);
  EXPECT_THROW(load_definition("/nowhere/none.json"), Error);
}

}  // namespace
}  // namespace reprise
