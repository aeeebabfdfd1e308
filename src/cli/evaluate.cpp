#include "reprise/evaluate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>

#include "cli/commands.h"
#include "reprise/baselines.h"
#include "reprise/calibrate.h"
#include "reprise/error.h"
#include "reprise/files.h"
#include "reprise/model.h"
#include "reprise/report.h"
#include "reprise/rerank.h"

namespace reprise::cli {
namespace {

struct Evaluate {
  std::string data, split = "test", json, histogram_path, reliability_path, report;
  std::vector<std::string> models, methods, settings;
  std::vector<int> rerank, query_keys;
  std::vector<std::string> aligners{"row-z"};
  int excerpt = 0;
  ChromaOptions chroma;
  DeviceOptions device;

  void run() const {
    if (models.empty() && methods.empty())
      throw SettingsError("evaluate: expected at least one --model or --method");
    if (!reliability_path.empty() && (models.empty() || excerpt > 0))
      throw SettingsError("evaluate --reliability: expected a --model, and no --excerpt");
    if (excerpt > 0 && !rerank.empty())
      throw SettingsError(
          "evaluate --excerpt: expected no --rerank, which is calibrated on whole songs");
    const SongSet set = read_songs(data);
    const Protocol protocol = make_protocol(set, split);
    const SongSet excerpts = excerpt > 0 ? with_excerpts(set, protocol, excerpt) : SongSet{};
    const auto backend = device.open();
    const auto all_settings = split_settings(settings);
    for (const auto& [key, value] : all_settings)
      if (std::none_of(methods.begin(), methods.end(),
                       [&](const std::string& m) { return method_has_setting(m, key); }))
        throw SettingsError(fmt::format("--set {}: none of the methods has this setting", key));

    ProgressLine line;
    std::vector<Evaluation> results;
    const std::size_t total =
        models.size() * (1 + rerank.size() * aligners.size() + query_keys.size()) + methods.size();
    const auto show = [&](const std::string& name) {
      line.show(static_cast<double>(results.size()) / static_cast<double>(total), name);
    };
    const auto add = [&](Fingerprinter& method) {
      show(method.name());
      results.push_back(
          reprise::evaluate(*backend, set, protocol, method, excerpt > 0 ? &excerpts : nullptr));
    };
    for (const std::string& path : models) {
      const Model model = read_model(path);
      chroma.check(model, path, set);
      ModelFingerprinter method(*backend, model, path);
      add(method);
      const std::size_t first_stage = results.size() - 1;
      if (const ScoreCalibration calibration = calibration_of(model);
          excerpt == 0 && !calibration.cosine.empty())
        results.back().scored_pairs =
            score_first_stage(*backend, set, protocol, method, calibration);
      for (const std::string& name : aligners) {
        if (rerank.empty()) break;
        const Aligner aligner = aligner_of(name);
        const ScoreCalibration calibration = weights_for(*backend, set, model, path, aligner);
        for (const int k : rerank) {
          show(fmt::format("{} + {} of {}", path, name, k));
          results.push_back(
              evaluate_reranked(*backend, set, protocol, method, calibration, {k, aligner}));
          results.back().gain = gain_over(set, protocol, results.back(), results[first_stage]);
        }
      }
      for (const int keys : query_keys) {
        if (model.config.key_mode != KeyMode::canonical)
          throw SettingsError(fmt::format("--query-keys: {} has key_mode {}, where it is fixed",
                                          path, name_of(model.config.key_mode)));
        Model other = model;
        other.config.query_keys = keys;
        ModelFingerprinter in_keys(*backend, other, fmt::format("{}, {} keys", path, keys));
        add(in_keys);
      }
    }
    for (const std::string& name : methods) {
      std::map<std::string, std::string> own;
      for (const auto& [key, value] : all_settings)
        if (method_has_setting(name, key)) own[key] = value;
      add(*make_fingerprinter(name, *backend, set, own));
    }
    line.clear();

    print(set, protocol, results);
    if (!report.empty()) write_report(*backend, set, protocol, results);
    if (!json.empty()) replace_file(json, evaluation_json(data, protocol, results));
    if (!histogram_path.empty()) replace_file(histogram_path, distances_chart(results.front()));
    if (!reliability_path.empty()) write_reliability(results);
  }

  /// The model's own, or for an aligner that it does not know, fitted as they were.
  static ScoreCalibration weights_for(Backend& backend, const SongSet& set, const Model& model,
                                      const std::string& path, Aligner aligner) {
    ScoreCalibration calibration = calibration_of(model);
    if (calibration.has_weights_for(aligner)) return calibration;
    if (calibration.outdated(aligner) || set.songs_of("validation").empty())
      require_weights(calibration, aligner, path);
    ModelFingerprinter method(backend, model, path);
    calibration = fit_calibration(backend, set, make_protocol(set, "validation"), method,
                                  std::span(&aligner, 1));
    require_weights(calibration, aligner, path);
    return calibration;
  }

  void print(const SongSet& set, const Protocol& protocol,
             const std::vector<Evaluation>& results) const {
    fmt::print("{}, {} split: {} queries among {} candidates\n\n", set.path, protocol.split,
               protocol.queries.size(), protocol.candidates.size());
    std::size_t width = 11;
    for (const Evaluation& e : results) width = std::max(width, e.name.size());
    fmt::print("{:<{}}    MAP  [95 % interval]     P@1    P@10     R@5      MR1   dims   seconds\n",
               "fingerprint", width);
    for (const Evaluation& e : results)
      fmt::print(
          "{:<{}}  {:.3f}  [{:.3f} - {:.3f}]   {:.3f}   {:.3f}   {:.3f}   {:6.1f}   {:4}   "
          "{:7.2f}\n",
          e.name, width, e.accuracy.map, e.map_interval.low, e.map_interval.high, e.accuracy.p1,
          e.accuracy.p10, e.accuracy.r5, e.accuracy.mr1, e.dims,
          e.fingerprint_seconds + e.search_seconds + e.rerank_seconds);
    print_buckets(results, width);
    print_calibrations(results, width);
  }

  static void print_calibrations(const std::vector<Evaluation>& results, std::size_t width) {
    if (!any_judged(results)) return;
    constexpr std::string_view kHeading = "calibration on top answers";
    width = std::max(width, kHeading.size());
    fmt::print("\n{:<{}}    pairs  versions  expected     ECE   Brier\n", kHeading, width);
    for (const Evaluation& e : results) {
      if (e.scored_pairs.empty()) continue;
      const Reliability c = reliability(e.scored_pairs);
      double expected = 0, observed = 0;
      for (const Reliability::Bin& bin : c.bins) {
        expected += bin.expected * static_cast<double>(bin.pairs);
        observed += bin.observed * static_cast<double>(bin.pairs);
      }
      fmt::print("{:<{}}  {:>7}  {:>8.0f}  {:>8.1f}  {:.4f}  {:.4f}\n", e.name, width, c.pairs,
                 observed, expected, c.expected_error, c.brier);
    }
  }

  static void print_buckets(const std::vector<Evaluation>& results, std::size_t width) {
    if (results.front().buckets.empty()) return;
    fmt::print("\nMAP by melodic similarity of the query to its closest version\n{:<{}}", "",
               width);
    for (const Bucket& b : results.front().buckets)
      fmt::print("  {:>10}", fmt::format("{:.2f}-{:.2f}", b.low, std::min(b.high, 1.0)));
    fmt::print("\n{:<{}}", "queries", width);
    for (const Bucket& b : results.front().buckets) fmt::print("  {:>10}", b.queries);
    for (const Evaluation& e : results) {
      fmt::print("\n{:<{}}", e.name, width);
      for (const Bucket& b : e.buckets)
        fmt::print("  {:>10}", b.queries > 0 ? fmt::format("{:.3f}", b.map) : "-");
    }
    fmt::print("\n");
  }

  void write_report(Backend& backend, const SongSet& set, const Protocol& protocol,
                    const std::vector<Evaluation>& results) const {
    Report page(fmt::format("Evaluation on {}", data),
                excerpt > 0 ? fmt::format("Queries are excerpts of {} frames.", excerpt)
                            : "Queries are whole songs.");
    page.add_evaluations(set, protocol, results);
    if (any_judged(results)) page.add_calibrations(results);
    if (!models.empty()) {
      const Model model = read_model(models.front());
      page.add_match(backend, set, protocol, results.front(), model);
      page.add_model(model);
    }
    page.write(report);
  }

  static bool any_judged(std::span<const Evaluation> results) {
    return std::any_of(results.begin(), results.end(),
                       [](const Evaluation& e) { return !e.scored_pairs.empty(); });
  }

  void write_reliability(std::span<const Evaluation> results) const {
    const auto stages = results.first(1 + rerank.size() * aligners.size());  // of the first model
    if (!any_judged(stages))
      throw InputError(fmt::format(
          "{}: expected a calibrated model, found none: see reprise calibrate", models.front()));
    replace_file(reliability_path, reliability_chart(stages));
  }
};

}  // namespace

void add_evaluate(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Evaluate>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Measure how well covers are found (leave one out)");
  command->add_option("--data", options->data, "song set (HDF5)")->required();
  command->add_option("--split", options->split, "train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->capture_default_str();
  command->add_option("--model", options->models, "trained model (safetensors); repeatable");
  command->add_option(
      "--method", options->methods,
      fmt::format("published fingerprint: {}, or a definition FILE.json; repeatable",
                  fmt::join(method_names(), ", ")));
  command->add_option("--set", options->settings,
                      "key=value: change a setting of every method that has it");
  command
      ->add_option("--rerank", options->rerank,
                   "add a row for each model with this many top answers re-ranked by alignment; "
                   "repeatable")
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option("--aligner", options->aligners,
                   "row-z, row-z-half (half the frame rate, faster) or qmax (published reference, "
                   "slow); repeatable")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"row-z", "row-z-half", "qmax"}))
      ->capture_default_str();
  command->add_option("--json", options->json, "also write the figures to this file");
  command->add_option("--histogram", options->histogram_path,
                      "plot distances of covers and non-covers under the first fingerprint (SVG)");
  command->add_option(
      "--reliability", options->reliability_path,
      "plot how often the first model is right against its probability, with --rerank also "
      "after re-ranking (SVG)");
  options->chroma.add_to(*command);
  command
      ->add_option("--excerpt", options->excerpt,
                   "query with excerpts of this many frames instead of whole songs")
      ->check(CLI::Range(1, 1 << 20));
  command
      ->add_option("--query-keys", options->query_keys,
                   "add a row for each model with canonical keys, its queries in this many keys; "
                   "repeatable")
      ->check(CLI::Range(1, kPitchClasses));
  command->add_option("--report", options->report, "folder for an HTML report (index.html)");
  options->device.add_to(*command);
  command->footer(
      "MAP: mean average precision; P@1, P@10: share of versions among the top 1 and 10; R@5:\n"
      "share of a song's versions found in the top five; MR1: mean rank of the first version.\n\n"
      "Example:\n  reprise evaluate --data data/tunes.h5 --model model.safetensors --method cov "
      "--method 2dftm\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
