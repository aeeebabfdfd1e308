#include "reprise/calibrate.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

struct Calibrate {
  std::string data, model, out, split = "validation";
  ChromaOptions chroma;
  DeviceOptions device;

  void run() const {
    const SongSet set = read_songs(data);
    Model trained = read_model(model);
    chroma.check(trained, model, set);
    const Protocol protocol = make_protocol(set, split);
    const auto backend = device.open();
    calibrate(*backend, set, protocol, trained);
    if (trained.rerank_weights.empty())
      throw InputError(fmt::format(
          "{}: {} split: expected versions and others among the first answers, found only one kind",
          data, split));
    write_model(out, trained);
    fmt::print("{}: calibrated on {} queries of the {} split, {} songs in the cohort\n", out,
               protocol.queries.size(), split,
               trained.cohort.size() / static_cast<std::size_t>(trained.dims()));
  }
};

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Calibrate>();
  CLI::App* command = app.add_subcommand(
      "calibrate", "Refit the re-ranking weights and probabilities of a trained model");
  command->add_option("--data", options->data, "song set (HDF5)")->required();
  command->add_option("--model", options->model, "trained model (safetensors)")->required();
  command->add_option("--out", options->out, "model to write: the same with refitted weights")
      ->required();
  command->add_option("--split", options->split, "train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->capture_default_str();
  options->chroma.add_to(*command);
  options->device.add_to(*command);
  command->footer(
      "Training ends with this step. Repeat it for songs from a different domain than the training "
      "songs,\n"
      "or for a model made elsewhere.\n\n"
      "Example:\n  reprise calibrate --data mine.h5 --model model.safetensors --out "
      "mine.safetensors\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
