#include "reprise/comparison.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "cli/commands.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/files.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

struct Compare {
  std::string a, b, in, model_path, picture;
  bool json = false;
  ChromaOptions chroma;
  DeviceOptions device;

  struct Pair {
    Model model;
    std::string model_name;
    SongSet songs;  ///< the two
  };

  void run() const {
    const auto backend = device.open();
    Pair pair = read(*backend);
    const Comparison comparison =
        compare_songs(*backend, pair.model, pair.model_name, std::move(pair.songs));
    if (json)
      fmt::print("{}\n", comparison_json(comparison));
    else
      print_text(comparison);
    if (!picture.empty()) replace_file(picture, comparison_svg(comparison));
  }

  Pair read(Backend& backend) const {
    if (in.empty()) {
      if (model_path.empty())
        throw SettingsError("compare: expected --in for ids of songs, or --model for two files");
      Pair pair{read_model(model_path), model_path, {}};
      std::vector<SongSet> both;
      for (const std::string& file : {a, b}) {
        both.push_back(read_songs({file}, pair.model, model_path, device, backend));
        if (both.back().songs() != 1)
          throw InputError(
              fmt::format("{}: expected one song, found {}", file, both.back().songs()));
      }
      // Files of one name in two folders.
      if (both[0].song_id == both[1].song_id) {
        both[0].song_id[0] = a + " (first)";
        both[1].song_id[0] = b + " (second)";
      }
      pair.songs = join_song_sets(std::move(both));
      chroma.check(pair.model, model_path, pair.songs);
      return pair;
    }
    if (looks_like_catalogue(in)) {
      const Catalogue from(in);
      if (!model_path.empty())
        from.check_model(ModelIdentity::of(read_model(model_path), model_path));
      const CatalogueSong both[] = {from.song(a), from.song(b)};
      return {from.model(), from.identity().name, from.song_set(both)};
    }
    if (model_path.empty())
      throw SettingsError("compare: songs of a set are compared with --model");
    const SongSet set = read_song_set(in);
    Pair pair{read_model(model_path), model_path, {}};
    chroma.check(pair.model, model_path, set);
    std::vector<std::int64_t> both;
    for (const std::string& id : {a, b}) {
      both.push_back(set.find(id));
      if (both.back() < 0) throw InputError(fmt::format("{}: has no song '{}'", in, id));
    }
    pair.songs = set.select(both);
    return pair;
  }

  static std::string time(const SongSet& songs, std::int32_t frame) {
    if (songs.frames_per_second <= 0) return fmt::format("{:>6}", frame);
    const double seconds = frame / songs.frames_per_second;
    return fmt::format("{:>3}:{:04.1f}", static_cast<int>(seconds / 60),
                       seconds - 60 * static_cast<int>(seconds / 60));
  }

  static void print_text(const Comparison& comparison) {
    const SongSet& songs = comparison.songs;
    fmt::print("{} ({}) and {} ({})\n{}\n\n", display_name(songs, 0), songs.song_id[0],
               display_name(songs, 1), songs.song_id[1], comparison_summary(comparison));
    if (comparison.alignment.stretches.empty()) {
      fmt::print("no passage agrees\n");
      return;
    }
    fmt::print("score   {} of the first    of the second\n",
               songs.frames_per_second > 0 ? "minutes" : "frames ");
    for (const Stretch& s : comparison.alignment.stretches)
      fmt::print("{:5.1f}   {} -{}   {} -{}\n", s.score, time(songs, s.path.front().first),
                 time(songs, s.path.back().first + 1), time(songs, s.path.front().second),
                 time(songs, s.path.back().second + 1));
  }
};

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Compare>();
  CLI::App* command = app.add_subcommand(
      "compare",
      "Estimate whether two songs are versions of each other, and show where they agree");
  command->add_option("a", options->a, "song id; without --in, a file with one song")->required();
  command->add_option("b", options->b, "the other song")->required();
  command->add_option("--in", options->in, "catalogue or song set (HDF5) with both songs");
  command->add_option("--model", options->model_path,
                      "trained model (safetensors); a catalogue has its own");
  command->add_option("--picture", options->picture,
                      "plot both songs' chroma, their similarity and where they agree (SVG)");
  command->add_flag("--json", options->json, "print JSON; stretches are [first frame, after last]");
  options->chroma.add_to(*command);
  options->device.add_to(*command);
  command->footer(
      "The first song is treated as a query. Transposition: semitones up to the key of the "
      "second.\n"
      "A cover: the probability is at least one half.\n\n"
      "Example:\n  reprise compare oneill-0714 ryan-0349 --in songs.reprise --picture both.svg\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
