#include "reprise/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "core/files.h"
#include "core/logistic.h"
#include "reprise/calibrate.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/index.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

constexpr int kMostStretches = 8;

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
    const Pair pair = read(*backend);
    const SongSet& songs = pair.songs;
    ModelMethod method(*backend, pair.model, pair.model_name);
    const Confidence confidence = confidence_of(pair.model);
    require(confidence, Aligner::row_z, pair.model_name);
    const std::int64_t query[] = {0}, other[] = {1};
    const Index index(*backend, method.compute(songs, other, Keys::candidate));
    auto matches = index.search(method.compute(songs, query, Keys::query), 1);
    rerank(*backend, songs, query, songs, other, confidence, {1, Aligner::row_z}, matches);
    const Match match = matches.at(0).at(0);
    const SongAlignment alignment = align_songs(songs.chroma(), songs.whole(0, match.transposition),
                                                songs.chroma(), songs.whole(1), {}, kMostStretches);
    if (json)
      print_json(songs, match, alignment);
    else
      print_text(songs, match, alignment);
    if (!picture.empty())
      replace_file(picture,
                   comparison_svg({name(songs, 0), name(songs, 1), summary(match), songs.chroma(),
                                   songs.chroma(), songs.whole(0, match.transposition),
                                   songs.whole(1), songs.frames_per_second},
                                  alignment));
  }

  Pair read(Backend& backend) const {
    if (in.empty()) {
      if (model_path.empty())
        throw UsageError("compare: expected --in for ids of songs, or --model for two files");
      Pair pair{read_model(model_path), model_path, {}};
      std::vector<SongSet> both;
      for (const std::string& file : {a, b}) {
        both.push_back(SongInputs{{file}, {}}.read(pair.model, model_path, device, backend));
        if (both.back().songs() != 1)
          throw Error(fmt::format("{}: expected one song, found {}", file, both.back().songs()));
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
    if (model_path.empty()) throw UsageError("compare: songs of a set are compared with --model");
    const SongSet set = read_song_set(in);
    Pair pair{read_model(model_path), model_path, {}};
    chroma.check(pair.model, model_path, set);
    std::vector<SongSet> both;
    for (const std::string& id : {a, b}) {
      const std::int64_t number = set.find(id);
      if (number < 0) throw Error(fmt::format("{}: has no song '{}'", in, id));
      both.push_back(one_song(set, number));
    }
    pair.songs = join_song_sets(std::move(both));
    return pair;
  }

  static SongSet one_song(const SongSet& set, std::int64_t number) {
    SongSet one;
    one.path = set.path;
    one.frames_per_second = set.frames_per_second;
    one.type = set.type;
    one.bands = set.bands;
    one.band_names = set.band_names;
    const std::int64_t first = set.offsets[number] * set.width();
    const std::int64_t after = set.offsets[number + 1] * set.width();
    const void* data = set.chroma().data;
    if (set.type == ChromaType::uint8)
      one.chroma_uint8.assign(static_cast<const std::uint8_t*>(data) + first,
                              static_cast<const std::uint8_t*>(data) + after);
    else
      one.chroma_float.assign(static_cast<const float*>(data) + first,
                              static_cast<const float*>(data) + after);
    one.offsets.push_back(set.frames(number));
    one.song_id = {set.song_id[number]};
    one.work_id = {set.work_id[number]};
    one.split = {set.split[number]};
    if (!set.title.empty()) one.title = {set.title[number]};
    if (!set.artist.empty()) one.artist = {set.artist[number]};
    return one;
  }

  static std::string name(const SongSet& songs, std::int64_t song) {
    return songs.title.empty() || songs.title[song].empty() ? songs.song_id[song]
                                                            : songs.title[song];
  }

  static std::string summary(const Match& match) {
    const double probability = probability_of(match.log_odds);
    return fmt::format(
        "{}: probability {:.1f} %, similarity {:.3f}, alignment {:.1f}, {} semitones",
        probability >= 0.5 ? "a cover" : "no cover", 100 * probability, match.score,
        match.alignment, transposition_text(match.transposition));
  }

  static std::string time(const SongSet& songs, std::int32_t frame) {
    if (songs.frames_per_second <= 0) return fmt::format("{:>6}", frame);
    const double seconds = frame / songs.frames_per_second;
    return fmt::format("{:>3}:{:04.1f}", static_cast<int>(seconds / 60),
                       seconds - 60 * static_cast<int>(seconds / 60));
  }

  static void print_text(const SongSet& songs, const Match& match, const SongAlignment& alignment) {
    fmt::print("{} ({}) and {} ({})\n{}\n\n", name(songs, 0), songs.song_id[0], name(songs, 1),
               songs.song_id[1], summary(match));
    if (alignment.stretches.empty()) {
      fmt::print("no passage agrees\n");
      return;
    }
    fmt::print("score   {} of the first    of the second\n",
               songs.frames_per_second > 0 ? "minutes" : "frames ");
    for (const Stretch& s : alignment.stretches)
      fmt::print("{:5.1f}   {} -{}   {} -{}\n", s.score, time(songs, s.path.front().first),
                 time(songs, s.path.back().first + 1), time(songs, s.path.front().second),
                 time(songs, s.path.back().second + 1));
  }

  static void print_json(const SongSet& songs, const Match& match, const SongAlignment& alignment) {
    nlohmann::ordered_json stretches = nlohmann::ordered_json::array();
    for (const Stretch& s : alignment.stretches)
      stretches.push_back({{"score", s.score},
                           {"a", {s.path.front().first, s.path.back().first + 1}},
                           {"b", {s.path.front().second, s.path.back().second + 1}}});
    const double probability = probability_of(match.log_odds);
    const nlohmann::ordered_json out{
        {"a", songs.song_id[0]},
        {"b", songs.song_id[1]},
        {"cover", probability >= 0.5},
        {"probability", probability},
        {"score", match.score},
        {"alignment", match.alignment},
        {"transposition", match.transposition},
        {"frames_per_second", songs.frames_per_second > 0
                                  ? nlohmann::ordered_json(songs.frames_per_second)
                                  : nlohmann::ordered_json(nullptr)},
        {"stretches", std::move(stretches)}};
    fmt::print("{}\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
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
