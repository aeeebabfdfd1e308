#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <cmath>
#include <filesystem>

#include "cli/commands.h"
#include "reprise/baselines.h"
#include "reprise/error.h"
#include "reprise/files.h"
#include "reprise/op_params.h"
#include "reprise/pair_distances.h"
#include "reprise/report.h"

namespace reprise::cli {
namespace {

constexpr std::int64_t kMeasureEvery = 10;  // steps

using Settings = std::vector<std::pair<std::string_view, std::string_view>>;

// What was run in 2016: the model that was kept, and every row of the experiment's log.
struct Experiment {
  std::string_view name;
  std::string_view what;  // it was
  Settings settings;      // beside preset seed2016
};

Settings with(Settings settings, const Settings& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

const std::vector<Experiment>& experiments() {
  // Networks that end in a dense layer, over eight pooled frames of each song.
  static const Settings two{{"layer_filters", "32"}, {"layer_frames", "1"},
                            {"num_filters", "64"},   {"event_length", "2"},
                            {"pools", "4,16"},       {"negative_weight", "1"},
                            {"steps", "2500"}};
  static const Settings three{{"layer_filters", "32,64"},  {"layer_frames", "1,4"},
                              {"num_filters", "128"},      {"event_length", "4"},
                              {"pools", "4,4,4"},          {"negative_weight", "1"},
                              {"learning_rate", "0.0001"}, {"steps", "6400"}};
  static const Settings one_pool{{"layer_filters", "32"},    {"layer_frames", "1"},
                                 {"num_filters", "64"},      {"event_length", "16"},
                                 {"pools", "1,64"},          {"negative_weight", "1"},
                                 {"learning_rate", "0.0001"}};
  // Networks that end in bigrams.
  static const Settings bigrams{{"num_filters", "24"}, {"windows", "8"}, {"lags", "-3:4"}};
  static const Settings layered{{"layer_filters", "24"},
                                {"layer_frames", "1"},
                                {"pools", "4,1"},
                                {"num_filters", "32"},
                                {"event_length", "2"}};
  static const std::vector<Experiment> all{
      {"seed2016", "the final model: 12 filters, 12 windows of 12 frames", {}},
      {"seed2016-2conv-128", "two convolutions and a dense layer", with(two, {{"dense", "128"}})},
      {"seed2016-2conv-192", "the same, wider", with(two, {{"dense", "192"}})},
      {"seed2016-2conv-256", "the same, wider still", with(two, {{"dense", "256"}})},
      {"seed2016-2conv-alpha2", "two convolutions, non-covers weighted twice",
       with(two, {{"dense", "128"}, {"negative_weight", "2"}})},
      {"seed2016-2conv-alpha4", "four times",
       with(two, {{"dense", "128"}, {"negative_weight", "4"}})},
      {"seed2016-3conv", "three convolutions and a dense layer", with(three, {{"dense", "128"}})},
      {"seed2016-1pool", "two convolutions, the second of 16 frames, pooled once",
       with(one_pool, {{"dense", "128"}})},
      {"seed2016-32x8", "32 filters, 8 windows of 8 frames",
       with(bigrams,
            {{"num_filters", "32"}, {"negative_weight", "1"}, {"learning_rate", "0.00001"}})},
      {"seed2016-24x8-alpha1", "24 filters",
       with(bigrams, {{"negative_weight", "1"}, {"learning_rate", "0.0001"}})},
      {"seed2016-24x8-alpha2-slow", "non-covers weighted twice",
       with(bigrams, {{"negative_weight", "2"}, {"learning_rate", "0.0001"}})},
      {"seed2016-24x8-alpha2", "the same at a higher learning rate",
       with(bigrams, {{"negative_weight", "2"}})},
      {"seed2016-24x8", "four times: the best of the log", bigrams},
      {"seed2016-24x8-alpha5", "five times", with(bigrams, {{"negative_weight", "5"}})},
      {"seed2016-24x8-alpha6", "six times", with(bigrams, {{"negative_weight", "6"}})},
      {"seed2016-24-32x8", "two convolutions before the bigrams, pooled between",
       with(bigrams, layered)},
  };
  return all;
}

// What each of them is, a line each.
std::string experiment_table() {
  std::string text;
  for (const Experiment& e : experiments()) text += fmt::format("  {:<26} {}\n", e.name, e.what);
  return text;
}

std::vector<std::string_view> experiment_names() {
  std::vector<std::string_view> names;
  for (const Experiment& e : experiments()) names.push_back(e.name);
  return names;
}

// "32 filters of 1 frame, pooled by 4; ..." for people.
std::string shape_of(const Config& config) {
  std::string text;
  for (const EventLayerParams& layer : event_layers(config))
    text += layer.activation == LayerActivation::tanh
                ? fmt::format("dense layer of {}; ", layer.filters)
                : fmt::format("{} filters of {} frames, pooled by {}; ", layer.filters,
                              layer.length, layer.pool);
  if (!config.network()) text = fmt::format("{} filters; ", config.num_filters);
  if (config.dense.empty())
    text += fmt::format("{} windows of {} lags; ", config.windows, config.lags.size());
  text.resize(text.size() - 2);
  return text;
}

struct Run {
  std::string name, data, out, split = "test";
  std::vector<std::string> settings;
  std::int64_t seed = 0;
  DeviceOptions device;

  Config config() const {
    Config config = Config::of_preset("seed2016");
    for (const Experiment& e : experiments())
      if (e.name == name)
        for (const auto& [key, value] : e.settings) config.set(key, value);
    change(config, settings);
    config.seed = seed;
    config.validate();
    if (config.loss != Loss::contrastive)
      throw SettingsError("experiment: expected the contrastive loss, whose distances are tracked");
    return config;
  }

  std::string in_folder(const char* file) const { return (std::filesystem::path(out) / file); }

  void run() const {
    const Config config = this->config();
    const SongSet set = read_songs(data);
    const Protocol protocol = make_protocol(set, split);
    const PairDistances test(set, split, static_cast<std::uint64_t>(seed));
    const auto backend = device.open();
    std::error_code failed;
    std::filesystem::create_directories(out, failed);
    if (failed)
      throw MachineError(fmt::format("{}: cannot make this folder: {}", out, failed.message()));
    fmt::print("{}: {} songs to train on, {} test pairs; {}\n", data, set.songs_of("train").size(),
               test.pairs(), backend->description());
    std::fflush(stdout);

    const std::vector<DistancePoint> points = train(*backend, set, config, test);
    const Model model = read_model(in_folder("model.safetensors"));
    std::vector<Evaluation> results;
    ModelFingerprinter learned(*backend, model, name);
    results.push_back(evaluate(*backend, set, protocol, learned));
    for (const char* published : {"cov", "2dftm-seed"})
      results.push_back(
          evaluate(*backend, set, protocol, *make_fingerprinter(published, *backend, set, {})));
    for (const Evaluation& e : results)
      fmt::print("{:<25} MAP {:.3f} [{:.3f} - {:.3f}]   P@1 {:.3f}   R@5 {:.3f}\n", e.name,
                 e.accuracy.map, e.map_interval.low, e.map_interval.high, e.accuracy.p1,
                 e.accuracy.r5);
    replace_file(in_folder("evaluation.json"), evaluation_json(data, protocol, results));

    Report page(
        fmt::format("The 2016 experiment: {}", name),
        fmt::format("{}, seed {}: {}, weight of non-covers {}, margin {}, learning rate {}.", data,
                    seed, shape_of(config), config.negative_weight, config.margin,
                    config.learning_rate));
    page.add_distances(points);
    page.add_evaluations(set, protocol, results);
    page.add_match(*backend, set, protocol, results.front(), model);
    page.add_model(model);
    page.write(out);
    fmt::print("model {}, distances {}, figures {}, page {}\n", in_folder("model.safetensors"),
               in_folder("distances.csv"), in_folder("evaluation.json"), in_folder("index.html"));
  }

  // Trains, and measures the test pairs on the way.
  std::vector<DistancePoint> train(Backend& backend, const SongSet& set, const Config& config,
                                   const PairDistances& test) const {
    ProgressLine line;
    std::vector<DistancePoint> points;
    std::string csv = "step,train_loss,test_loss,cover_distance,other_distance,bhattacharyya\n";
    const auto show = [&](const TrainingProgress& p) {
      if (p.step != 1 && p.step % kMeasureEvery != 0 && p.step != p.steps) return;
      const PairDistances::Summary s = test.of(backend, p.model());
      points.push_back({p.step, p.loss, s.loss, s.covers, s.others, s.bhattacharyya});
      csv += fmt::format("{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", p.step, p.loss, s.loss,
                         s.covers, s.others, s.bhattacharyya);
      const std::string text = fmt::format(
          "step {}/{}  loss {:.2f}, test {:.2f}; distances {:.2f} and {:.2f}, "
          "Bhattacharyya {:.3f}",
          p.step, p.steps, p.loss, s.loss, s.covers, s.others, s.bhattacharyya);
      if (line.on_terminal()) {
        line.show(static_cast<double>(p.step) / static_cast<double>(p.steps), text);
      } else if (p.step % 400 == 0 || p.step == 1 || p.step == p.steps) {
        fmt::print("{}\n", text);
        std::fflush(stdout);
      }
    };
    reprise::train(
        backend, set, config,
        {.files = TrainingFiles::beside(in_folder("model.safetensors")), .report = show});
    line.clear();
    replace_file(in_folder("distances.csv"), csv);
    return points;
  }
};

}  // namespace

void add_experiment(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Run>();
  CLI::App* command = app.add_subcommand(
      "experiment", "Rerun an experiment of 2016: train, track distances, evaluate");
  command->add_option("name", options->name, "row of the experiment log")
      ->required()
      ->check(CLI::IsMember(experiment_names()));
  command->add_option("--data", options->data, "song set (HDF5)")->required();
  command
      ->add_option("--out", options->out,
                   "folder for the model, distances.csv, evaluation.json and the report index.html")
      ->required();
  command->add_option("--split", options->split, "split to measure and evaluate on")
      ->check(CLI::IsMember({"validation", "test"}))
      ->capture_default_str();
  command->add_option("--set", options->settings,
                      "key=value: change one parameter (see reprise train --help); repeatable");
  command->add_option("--seed", options->seed, "random seed")->capture_default_str();
  options->device.add_to(*command);
  command->footer("Experiments, in the order of the log (Van Balen 2016):\n" + experiment_table() +
                  "\nExample:\n  reprise experiment seed2016 --data data/tunes.h5 --out seed2016\n"
                  "  reprise experiment seed2016-24x8 --set negative_weight=2 --data data/tunes.h5 "
                  "--out alpha2\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
