#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <optional>

#include "cli/commands.h"
#include "reprise/baselines.h"
#include "reprise/error.h"
#include "reprise/report.h"
#include "reprise/trainer.h"

namespace reprise::cli {
namespace {

std::atomic<bool> stop_requested{false};

void request_stop(int) {
  stop_requested = true;
}

std::string parameter_table() {
  std::string text = "Parameters of --set, with their values in the default preset:\n";
  for (const Parameter& p : parameters()) {
    if (p.name == "preset") continue;
    std::string range;
    if (const auto choices = p.choices(); !choices.empty()) {
      range = fmt::format("{}", fmt::join(choices, "|"));
    } else if (p.low != p.high) {
      range = fmt::format("{:g} to {:g}{}{}", p.low, p.high, p.unit.empty() ? "" : " ", p.unit);
    } else {
      range = "true|false";
    }
    text += fmt::format("  {:<26}{}\n{:28}{}{}{}{}{}\n", p.name, p.meaning, "", range,
                        p.initial.empty() ? "" : "; default ", p.initial,
                        p.former.empty() ? "" : "; formerly ", p.former);
  }
  return text;
}

struct Train {
  std::string data, out, preset, start, report;
  std::vector<std::string> settings;
  std::optional<std::int64_t> seed;
  bool resume = false;
  DeviceOptions device;

  Config config(const Model& from) const {
    Config config = start.empty() ? Config::of_preset(preset) : from.config;
    change(config, settings);
    if (seed) config.seed = *seed;
    config.validate();
    return config;
  }

  void run() const {
    const Model from = start.empty()                     ? Model{}
                       : start.ends_with(".safetensors") ? read_model(start)
                                                         : load_definition(start);
    if (!from.joined.empty())
      throw InputError(
          fmt::format("{}: expected the bigrams of one model to start from, found {} joined", start,
                      1 + from.joined.size()));
    const Config config = this->config(from);
    const SongSet set = read_songs(data);
    const auto backend = device.open();
    const TrainingFiles files = TrainingFiles::beside(out);
    fmt::print("{}: {} songs, {} to train on; preset {}, seed {}; {}\n", data, set.songs(),
               set.songs_of("train").size(), config.preset, config.seed, backend->description());
    std::fflush(stdout);
    std::signal(SIGINT, request_stop);
    std::signal(SIGTERM, request_stop);

    ProgressLine line;
    TrainingProgress last;
    const auto show = [&](const TrainingProgress& p) {
      if (!p.resident && last.step == 0) {
        fmt::print(
            "the songs do not fit in the memory of the device: each batch is copied to it\n");
        std::fflush(stdout);
      }
      last = p;
      const double left =
          p.seconds / static_cast<double>(p.step) * static_cast<double>(p.steps - p.step);
      const std::string map =
          p.best_map >= 0 ? fmt::format("  best validation MAP {:.3f}", p.best_map) : "";
      if (line.on_terminal()) {
        if (p.step % 5 == 0 || p.validation_map >= 0)
          line.show(static_cast<double>(p.step) / static_cast<double>(p.steps),
                    fmt::format("step {}/{}  loss {:.3f}{}  {} left", p.step, p.steps, p.loss, map,
                                duration_text(left)));
      } else if (p.validation_map >= 0 || p.step == 1 || p.step % 1000 == 0 || p.step == p.steps) {
        fmt::print(
            "step {}/{}  loss {:.4f}{}{}  {} left\n", p.step, p.steps, p.loss,
            p.validation_map >= 0 ? fmt::format("  validation MAP {:.4f}", p.validation_map) : "",
            map, duration_text(left));
        std::fflush(stdout);
      }
    };
    const TrainingOutcome outcome = reprise::train(*backend, set, config,
                                                   {.files = files,
                                                    .resume = resume,
                                                    .start = from.weights,
                                                    .report = show,
                                                    .stop = &stop_requested});
    line.clear();
    if (!outcome.finished) {
      fmt::print(
          "stopped at step {} of {}; resume with: reprise train --data {} --out {} --resume\n",
          last.step, config.steps, data, out);
      return;
    }
    fmt::print("trained {} steps in {}{}\n", config.steps, duration_text(last.seconds),
               outcome.best_map >= 0
                   ? fmt::format("; best validation MAP {:.4f} before projection", outcome.best_map)
                   : "");
    if (!report.empty()) {
      Report page(fmt::format("Training of {}", out),
                  fmt::format("{} songs of {}; preset {}, seed {}; {} steps in {}.",
                              set.songs_of("train").size(), data, config.preset, config.seed,
                              config.steps, duration_text(last.seconds)));
      page.add_training(outcome.log);
      page.add_model(outcome.model);
      page.write(report);
    }
    fmt::print("model      {} ({} values a song)\nlog        {}\nloss curve {}\ncheckpoint {}\n",
               files.model, outcome.model.dims(), files.log, files.curve, files.checkpoint);
  }
};

}  // namespace

void add_train(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Train>();
  CLI::App* command = app.add_subcommand("train", "Learn a fingerprint from pairs of covers");
  command->add_option("--data", options->data, "song set (HDF5)")->required();
  command
      ->add_option("--out", options->out,
                   "model to write (safetensors); log, loss curve and checkpoint are written "
                   "beside it")
      ->required();
  options->preset = "reprise";
  command
      ->add_option("--preset", options->preset,
                   fmt::format("one of {}", fmt::join(preset_names(), ", ")))
      ->capture_default_str();
  command
      ->add_option("--start", options->start,
                   "start from a fingerprint instead of random weights: NAME or FILE.json as for "
                   "evaluate --method, or a model (safetensors)")
      ->excludes("--preset");
  command->add_option("--set", options->settings, "key=value: change one parameter; repeatable");
  command->add_option("--seed", options->seed, "random seed");
  command->add_option("--report", options->report,
                      "folder for an HTML report (index.html): curves, filters and windows");
  command->add_flag("--resume", options->resume, "resume from the checkpoint beside --out");
  options->device.add_to(*command);
  command->footer(
      parameter_table() +
      "\nExample:\n  reprise train --data data/tunes.h5 --out model.safetensors\n"
      "  reprise train --data data/tunes.h5 --out landmarks.safetensors --start landmarks\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
