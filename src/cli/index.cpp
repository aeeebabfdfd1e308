#include <fmt/format.h>

#include "cli/commands.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/exports.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

std::string songs_text(std::int64_t count) {
  return fmt::format("{} song{}", count, count == 1 ? "" : "s");
}

struct IndexOptions {
  std::string catalogue, model, npy, faiss, mirex;
  std::vector<std::string> ids;
  bool replace = false, no_chroma = false;
  SongInputs songs;
  ChromaOptions chroma;
  DeviceOptions device;

  void create() const {
    Catalogue::create(catalogue, model, !no_chroma);
    fmt::print("{}: empty catalogue for fingerprints of {}{}\n", catalogue, model,
               no_chroma ? ", without chroma" : "");
  }

  void add() const {
    if (!songs.any()) throw SettingsError("index add: expected a file with songs");
    Catalogue to(catalogue, Catalogue::Mode::write);
    if (!model.empty()) to.check_model(ModelIdentity::of(read_model(model), model));
    const auto backend = device.open();
    const SongSet set = read_songs(songs.paths(), to.model(), to.path(), device, *backend);
    chroma.check(to.model(), to.path(), set);
    ProgressLine line;
    const std::int64_t added = to.add(*backend, set, replace, line.observer());
    line.clear();
    fmt::print("{}: {} added, {} replaced, {} in all\n", catalogue, songs_text(added),
               set.songs() - added, to.size());
  }

  void remove() const {
    Catalogue from(catalogue, Catalogue::Mode::write);
    const std::int64_t before = from.size();
    from.remove(ids);
    fmt::print("{}: {} removed, {} left\n", catalogue, songs_text(before - from.size()),
               from.size());
  }

  void recalibrate() const {
    Catalogue(catalogue, Catalogue::Mode::write).recalibrate(model);
    fmt::print("{}: calibrated as {}\n", catalogue, model);
  }

  void list() const {
    const std::vector<CatalogueSong> songs = Catalogue(catalogue).songs();
    fmt::print("song_id\twork_id\ttitle\tartist\tframes\n");
    for (const CatalogueSong& song : songs)
      fmt::print("{}\t{}\t{}\t{}\t{}\n", tsv_field(song.song_id), tsv_field(song.work_id),
                 tsv_field(song.title), tsv_field(song.artist), song.frames);
  }

  void verify() const {
    const std::vector<std::string> problems = verify_catalogue(catalogue);
    for (const std::string& problem : problems) fmt::print("{}\n", problem);
    if (!problems.empty())
      throw InputError(fmt::format("{}: expected a sound catalogue, found {} problem{}", catalogue,
                                   problems.size(), problems.size() > 1 ? "s" : ""));
    fmt::print("{}: {} songs, all checksums agree\n", catalogue, Catalogue(catalogue).size());
  }

  void export_to() const {
    if (npy.empty() && faiss.empty() && mirex.empty())
      throw SettingsError("index export: expected --npy, --faiss or --mirex");
    const Catalogue from(catalogue);
    const auto say = [&](const std::string& out, const std::string& ids) {
      fmt::print("{}: {} songs, {} values each; ids in {}\n", out, from.size(), from.model().dims(),
                 ids);
    };
    if (!npy.empty()) say(npy, export_npy(from, npy));
    if (!faiss.empty()) say(faiss, export_faiss(from, faiss));
    if (!mirex.empty()) {
      export_mirex(from, *device.open(), mirex);
      fmt::print("{}: distances of {} songs to each other\n", mirex, from.size());
    }
  }
};

}  // namespace

void add_index(CLI::App& app, Action& action) {
  const auto options = std::make_shared<IndexOptions>();
  CLI::App* index = app.add_subcommand("index", "Manage a catalogue of songs on disk");
  index->require_subcommand(1);
  index->footer(
      "Example:\n  reprise index create songs.reprise --model model.safetensors\n"
      "  reprise index add songs.reprise data/tunes.h5\n"
      "  reprise query songs.reprise --id oneill-0626\n");

  const auto add = [&](const char* name, const char* what, void (IndexOptions::*work)() const,
                       const char* example) {
    CLI::App* command = index->add_subcommand(name, what);
    command->add_option("catalogue", options->catalogue, "catalogue (one SQLite file)")->required();
    command->footer(std::string("Example:\n  reprise index ") + example + "\n");
    command->callback(
        [options, &action, work] { action = [options, work] { (*options.*work)(); }; });
    return command;
  };

  CLI::App* command = add("create", "Create an empty catalogue for the fingerprints of a model",
                          &IndexOptions::create, "create songs.reprise --model model.safetensors");
  command
      ->add_option("--model", options->model, "trained model (safetensors), kept in the catalogue")
      ->required();
  command->add_flag(
      "--no-chroma", options->no_chroma,
      "store fingerprints only (also in the query keys), no chroma: rules out --rerank "
      "and compare");

  command = add("add", "Add songs: all of them or, if anything fails, none", &IndexOptions::add,
                "add songs.reprise data/tunes.h5");
  options->songs.add_to(*command, "to add");
  command->add_option("--model", options->model, "fail unless this is the catalogue's model");
  command->add_flag("--replace", options->replace, "replace songs that have the same id");
  options->chroma.add_to(*command);
  options->device.add_to(*command);

  command = add("remove", "Remove songs: all of them or, if anything fails, none",
                &IndexOptions::remove, "remove songs.reprise oneill-0626 oneill-0627");
  command->add_option("ids", options->ids, "ids of songs")->required();

  command = add("recalibrate", "Copy a new calibration of the same model into the catalogue",
                &IndexOptions::recalibrate, "recalibrate songs.reprise --model mine.safetensors");
  command->add_option("--model", options->model, "output of reprise calibrate")->required();

  add("list", "Print the songs as tab-separated values", &IndexOptions::list, "list songs.reprise");
  add("verify", "Read everything and check all checksums", &IndexOptions::verify,
      "verify songs.reprise");

  command = add("export", "Write fingerprints or distances for other programs",
                &IndexOptions::export_to, "export songs.reprise --npy songs.npy");
  command->add_option("--npy", options->npy,
                      "fingerprints as a NumPy file; ids beside it in NAME.ids.txt");
  command->add_option("--faiss", options->faiss,
                      "fingerprints as a flat index for faiss.read_index (inner product = cosine)");
  command->add_option("--mirex", options->mirex,
                      "distance matrix in the format of the MIREX cover song task");
  options->device.add_to(*command);
}

}  // namespace reprise::cli
