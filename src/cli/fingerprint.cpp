#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "cli/commands.h"
#include "reprise/baselines.h"
#include "reprise/error.h"
#include "reprise/exports.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

struct Fingerprint {
  std::string data, model, method, out;
  std::vector<std::string> settings;
  bool transpositions = false;
  ChromaOptions chroma;
  DeviceOptions device;

  void run() const {
    if (model.empty() == method.empty())
      throw SettingsError("fingerprint: expected one of --model and --method");
    const Model trained = model.empty() ? Model() : read_model(model);
    const auto backend = device.open();
    const SongSet set = read_songs({data}, trained, model, device, *backend);
    std::unique_ptr<Fingerprinter> how;
    if (!model.empty()) {
      if (!settings.empty()) throw SettingsError("--set changes a --method, not a --model");
      chroma.check(trained, model, set);
      how = std::make_unique<ModelFingerprinter>(*backend, trained, model);
    } else {
      const auto split = split_settings(settings);
      how = make_fingerprinter(method, *backend, set, {split.begin(), split.end()});
    }
    std::vector<std::int64_t> songs(set.songs());
    std::iota(songs.begin(), songs.end(), 0);
    const Fingerprints f = how->compute(set, songs, transpositions ? Keys::all : Keys::candidate);
    const std::string ids_path = export_npy(f, set.song_id, out);
    fmt::print("{}: {} songs, {}{} values each; ids in {}\n", out, f.songs,
               transpositions ? "12 transpositions of " : "", f.dims, ids_path);
  }
};

}  // namespace

void add_fingerprint(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Fingerprint>();
  CLI::App* command = app.add_subcommand("fingerprint", "Write the fingerprints of a song set");
  command->add_option("--data", options->data, "song set (HDF5), audio file or folder of audio")
      ->required();
  command->add_option("--model", options->model, "trained model (safetensors)");
  command->add_option("--method", options->method,
                      fmt::format("published fingerprint: {}, or a definition FILE.json",
                                  fmt::join(method_names(), ", ")));
  command->add_option("--set", options->settings, "key=value: change a setting of --method");
  command->add_flag("--transpositions", options->transpositions,
                    "all twelve transpositions: [songs, 12, D], index r is r semitones up");
  command->add_option("--out", options->out, "NumPy file to write; ids are written beside it")
      ->required();
  options->chroma.add_to(*command);
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise fingerprint --data data/tunes.h5 --model model.safetensors --out "
      "tunes.npy\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
