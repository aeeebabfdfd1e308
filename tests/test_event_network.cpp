#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/event_network.h"
#include "op_cases.h"
#include "oracle.h"
#include "oracle_event_layer.h"
#include "reprise/error.h"
#include "reprise/model.h"
#include "reprise/op_params.h"
#include "reprise/trainer.h"
#include "small_set.h"

namespace reprise {
namespace {

// Small relatives of the networks of 2016 that end in a dense layer, and of the one before bigrams.
Config dense_config() {
  Config c = Config::of_preset("seed2016");
  for (const auto& [key, value] : {std::pair{"layer_filters", "6,5"},
                                   {"layer_frames", "1,2"},
                                   {"num_filters", "7"},
                                   {"event_length", "4"},
                                   {"pools", "4,1,3"},
                                   {"dense", "9,8"},
                                   {"patches", "3"},
                                   {"patch_frames", "16"}})
    c.set(key, value);
  c.validate();
  return c;
}

Config bigram_config() {
  Config c = Config::of_preset("seed2016");
  for (const auto& [key, value] : {std::pair{"layer_filters", "6"},
                                   {"layer_frames", "3"},
                                   {"num_filters", "7"},
                                   {"event_length", "2"},
                                   {"pools", "4,1"},
                                   {"windows", "2"},
                                   {"lags", "-1:2"},
                                   {"patches", "3"},
                                   {"patch_frames", "16"}})
    c.set(key, value);
  c.validate();
  return c;
}

std::vector<float> weights_of(const Config& c) {
  std::vector<float> weights = random_values(weight_count(c), 0.3f, 21);
  float* next = weights.data();
  for (const WeightTensor& tensor : weight_tensors(c)) {
    if (tensor.name.ends_with(".bias")) std::fill_n(next, tensor.size(), 0.1f);
    next += tensor.size();
  }
  return weights;
}

struct Chain {
  std::vector<double> out;
  std::vector<int> argmax;  // of all layers, and which rectified outputs pass a gradient on
};

// The layers of a configuration one after another, by their definition.
Chain layers(const Config& c, const std::vector<double>& weights, std::vector<double> x) {
  Chain chain;
  auto first = weights.begin();
  for (const EventLayerParams& p : event_layers(c)) {
    const std::vector<double> own(first, first + p.weights());
    first += p.weights();
    const auto layer = oracle::event_layer_forward(x, own, p);
    x = layer.out;
    chain.argmax.insert(chain.argmax.end(), layer.argmax.begin(), layer.argmax.end());
    for (const double value : x)
      chain.argmax.push_back(p.activation == LayerActivation::relu && value > 0);
  }
  chain.out = x;
  return chain;
}

// The fingerprint of a patchwork.
std::vector<double> fingerprint(const Config& c, const std::vector<double>& weights,
                                const std::vector<double>& x) {
  const std::vector<double> out = layers(c, weights, x).out;
  if (!c.dense.empty()) return out;
  const BigramParams p = bigram_params(c);
  return oracle::bigram_forward(out,
                                std::vector<double>(weights.end() - p.weights(), weights.end()), p)
      .out;
}

class EventNetworks : public testing::TestWithParam<Config> {
 protected:
  EventNetworks()
      : folder(std::filesystem::temp_directory_path() /
               ("reprise-network-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(folder);
  }
  ~EventNetworks() override { std::filesystem::remove_all(folder); }

  TrainingFiles files(const std::string& name) const {
    return TrainingFiles::beside((folder / (name + ".safetensors")).string());
  }

  const Config c = GetParam();
  const std::filesystem::path folder;
};

TEST_P(EventNetworks, FingerprintsFollowFromTheLayersAndSurviveTheFile) {
  Model model;
  model.config = c;
  model.weights = weights_of(c);
  write_model((folder / "m.safetensors").string(), model);
  const Model read = read_model((folder / "m.safetensors").string());
  EXPECT_EQ(read.weights, model.weights);
  EXPECT_EQ(read.config, c);

  // Songs as long as the patchwork are their own; more of them than are computed at a time.
  const int frames = c.patches * c.patch_frames;
  SongSet set;
  std::vector<std::int64_t> songs;
  for (int i = 0; i < 50; ++i) {
    const auto chroma = random_chroma(frames, std::uint64_t(i));
    set.chroma_float.insert(set.chroma_float.end(), chroma.begin(), chroma.end());
    set.offsets.push_back(set.offsets.back() + frames);
    set.song_id.push_back(std::to_string(i));
    songs.push_back(i);
  }
  const auto backend = make_cpu_backend(2);
  ModelFingerprinter method(*backend, read, "network");
  const Fingerprints all = method.compute(set, songs, Keys::query);
  ASSERT_EQ(all.keys, 12);
  ASSERT_EQ(all.dims, c.bigrams());
  const std::vector<double> weights(model.weights.begin(), model.weights.end());
  for (const std::int64_t song : songs)
    for (const int roll : {0, 7}) {
      const auto truth = fingerprint(
          c, weights, oracle::excerpt_chroma<double>(set.chroma(), set.whole(song, roll)));
      for (int d = 0; d < all.dims; ++d)
        ASSERT_NEAR(all.values[(song * 12 + roll) * all.dims + d], truth[d], 1e-5)
            << song << " roll " << roll << " value " << d;
    }
}

TEST_P(EventNetworks, GradientEqualsFiniteDifferences) {
  const auto backend = make_cpu_backend(1);
  const std::vector<float> weights = weights_of(c);
  const std::vector<float> x = random_chroma(c.patches * c.patch_frames, 3);
  EventNetwork network(*backend, c, 1, true);
  std::vector<float> out(network.out_values()), gradient(network.weights());
  const std::vector<float> dout = random_values(network.out_values(), 1.0f, 4);
  network.forward(x.data(), 1, weights.data(), out.data());
  network.backward(x.data(), 1, weights.data(), out.data(), dout.data(), gradient.data());
  const std::vector<double> at(weights.begin(), weights.end()), input(x.begin(), x.end());
  Random random(5);
  int checked = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const auto which = random.below(std::uint32_t(network.weights()));
    const auto moved = [&](double by) {
      std::vector<double> w = at;
      w[which] += by;
      return layers(c, w, input);
    };
    const Chain up = moved(1e-6), down = moved(-1e-6);
    if (up.argmax != down.argmax) continue;  // across a kink
    double slope = 0;
    for (std::size_t d = 0; d < dout.size(); ++d)
      slope += double{dout[d]} * (up.out[d] - down.out[d]) / 2e-6;
    EXPECT_NEAR(gradient[which], slope, 1e-4 * (1 + std::abs(slope))) << which;
    ++checked;
  }
  EXPECT_GE(checked, 30);
}

TEST_P(EventNetworks, LearnAlikeForAnyNumberOfThreadsAndWhenResumed) {
  Config small = c;
  small.steps = 60;
  small.validate_every = 30;
  small.pairs_per_batch = 8;
  small.learning_rate = 0.01;
  const SongSet set = small_set(8, 3, 60);
  double first = 0, last = 0;
  const auto note = [&](const TrainingProgress& p) {
    if (p.step <= 10) first += p.loss;
    if (p.step > 50) last += p.loss;
  };
  const auto one = train(*make_cpu_backend(1), set, small, {.report = note}).model.weights;
  EXPECT_LT(last, 0.9 * first);
  EXPECT_EQ(train(*make_cpu_backend(3), set, small).model.weights, one);
  std::atomic<bool> stop{false};
  const auto halt = [&](const TrainingProgress& p) { stop = p.step == 25; };
  const TrainingFiles half = files("half");
  train(*make_cpu_backend(1), set, small, {.files = half, .report = halt, .stop = &stop});
  EXPECT_EQ(train(*make_cpu_backend(1), set, small, {.files = half, .resume = true}).model.weights,
            one);
}

INSTANTIATE_TEST_SUITE_P(Heads, EventNetworks, testing::Values(dense_config(), bigram_config()),
                         [](const auto& info) {
                           return info.param.dense.empty() ? "bigrams" : "dense";
                         });

TEST(EventNetworkConfig, TheExperimentsNetworksHaveTheirSizes) {
  Config c = Config::of_preset("seed2016");
  for (const auto& [key, value] : {std::pair{"layer_filters", "32,64"},
                                   {"layer_frames", "1,4"},
                                   {"num_filters", "128"},
                                   {"event_length", "4"},
                                   {"pools", "4,4,4"},
                                   {"dense", "128"}})
    c.set(key, value);
  c.validate();
  const auto layers = event_layers(c);
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[2].frames, 32);
  EXPECT_EQ(layers[2].channels, 64);
  EXPECT_EQ(layers[3].channels, 8 * 128);
  EXPECT_EQ(weight_count(c),
            12 * 32 + 32 + 4 * 32 * 64 + 64 + 4 * 64 * 128 + 128 + 1024 * 128 + 128);
  EXPECT_EQ(weight_tensors(c)[0].name, "layers.1.weight");
  EXPECT_EQ(weight_tensors(c)[6].name, "dense.1.weight");
  // The presets without layers are laid out as ever.
  for (const std::string_view preset : preset_names()) {
    const Config plain = Config::of_preset(preset);
    EXPECT_EQ(weight_count(plain), bigram_params(plain).weights());
    EXPECT_TRUE(event_layers(plain).empty());
  }
}

TEST(EventNetworkConfig, RulesAreTold) {
  const auto refused = [](std::initializer_list<std::pair<const char*, const char*>> values,
                          const std::string& part) {
    Config c = Config::of_preset("seed2016");
    for (const auto& [key, value] : values) c.set(key, value);
    try {
      c.validate();
      FAIL() << part;
    } catch (const SettingsError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused({{"layer_filters", "8"}}, "layer_frames: expected as many as layer_filters (1), found 0");
  refused({{"pools", "4,4"}}, "pools: expected one for each of 1 convolutions, found 2");
  refused({{"num_filters", "65"}}, "num_filters: expected 1 to 64 without dense, found 65");
  refused({{"pools", "4"}, {"input", "whole"}}, "input: expected patchwork");
  refused({{"pools", "4"}, {"activation", "step"}}, "activation: expected relu");
  refused({{"pools", "4"}, {"centre_events", "true"}}, "centre_events: expected false");
  refused({{"pools", "4"}, {"pairs", "upper"}}, "pairs: expected all");
  refused({{"dense", "8"}, {"compression", "none"}}, "compression: expected tanh");
  refused({{"dense", "8"}, {"unit_norm", "true"}}, "unit_norm: expected false");
  refused({{"dense", "0"}}, "dense: expected 1 to 512, found 0");
  refused({{"dense", "512"}, {"patch_frames", "60000"}}, "expected at most 16777216 values");
}

}  // namespace
}  // namespace reprise
