#include "reprise/join.h"

#include <fmt/format.h>

#include "cli/commands.h"

namespace reprise::cli {
namespace {

struct Join {
  std::vector<std::string> models;
  std::string data, out;
  DeviceOptions device;

  void run() const {
    const SongSet set = read_songs(data);
    std::vector<NamedModel> parts;
    for (const std::string& path : models) parts.push_back({path, read_model(path)});
    const auto backend = device.open();
    const Model joined = join(*backend, set, parts);
    write_model(out, joined);
    fmt::print("{}: {} models joined, {} bigrams projected to {} values a song\n", out,
               models.size(), joined.bigrams(), joined.dims());
  }
};

}  // namespace

void add_join(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Join>();
  CLI::App* command =
      app.add_subcommand("join", "Combine several models: their bigrams under one projection");
  command->add_option("models", options->models, "two or more trained models (safetensors)")
      ->required()
      ->expected(2, -1);
  command->add_option("--data", options->data, "song set (HDF5) that the models were trained on")
      ->required();
  command->add_option("--out", options->out, "model to write (safetensors)")->required();
  options->device.add_to(*command);
  command->footer(
      "The projection is fitted on the train split, the probabilities on the validation split;\n"
      "key mode and projection size are those of the first model.\n\n"
      "Example:\n"
      "  reprise join long.safetensors short.safetensors --data data/tunes.h5 --out "
      "both.safetensors\n"
      "where short.safetensors was trained with --set event_length=1\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
