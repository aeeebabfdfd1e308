#include <fmt/format.h>

#include <map>

#include "cli/import.h"
#include "collections/beat_chroma.h"
#include "collections/chroma_table.h"
#include "collections/duplicates.h"
#include "collections/shs_list.h"
#include "core/lines.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

struct Shs {
  std::vector<std::string> lists, trees;
  std::string keys, cly;  // Osmalskyj's files, instead of a tree
  std::string chroma = "beat2012";
  bool queries = false;
  double validation = 0;
  DuplicateRules rules;
  ImportOptions options;

  struct List {
    std::string path;
    std::string split;
    std::vector<ShsWork> works;
  };

  List read(const std::string& path) const {
    List list{path, split_of_name(path), read_shs_list(path)};
    if (queries) list.works = works_of_queries(list.works, path);
    std::size_t tracks = 0;
    for (const ShsWork& work : list.works) tracks += work.tracks.size();
    fmt::print("{}: {} works, {} tracks{}\n", path, list.works.size(), tracks,
               list.split.empty() ? "" : fmt::format(", split {}", list.split));
    return list;
  }

  void run() const {
    if (trees.empty() == cly.empty())
      throw UsageError("import shs: expected one of --msd and --cly");
    std::vector<List> read_lists;
    std::int64_t tracks = 0;
    for (const std::string& path : lists) {
      read_lists.push_back(read(path));
      for (const ShsWork& work : read_lists.back().works)
        tracks += static_cast<std::int64_t>(work.tracks.size());
    }
    if (!cly.empty()) return import_cly(read_lists, tracks);
    const MillionSongs songs(trees);
    SongSetInfo info;
    info.source = "Million Song Dataset, works of the SecondHandSongs lists";
    info.chroma_source = chroma;
    Import import(options, info, tracks);
    for (const List& list : read_lists)
      for (const ShsWork& work : list.works) add(import, songs, list, work);
    import.finish();
  }

  /// The songs of a .cly file in its order; those of no list are passed over, and what the lists
  /// have beyond is missing.
  void import_cly(const std::vector<List>& read_lists, std::int64_t tracks) const {
    std::map<std::string, SongInfo> wanted;
    for (const List& list : read_lists)
      for (const ShsWork& work : list.works)
        for (const ShsTrack& track : work.tracks)
          wanted.emplace(track.track_id, SongInfo{track.track_id, work.work_id,
                                                  split_of(list, work), work.title, ""});
    std::ifstream key_file = open_text(keys);
    const auto names = read_track_numbers(key_file, keys);
    std::ifstream file = open_text(cly);
    ClyChroma songs(file, cly);
    SongSetInfo info;
    info.source = fmt::format("{}, works of the SecondHandSongs lists", cly);
    info.chroma_source = "btchromas";
    Import import(options, info, tracks);
    std::int64_t number = 0;
    std::vector<float> values;
    while (songs.next(number, values)) {
      const auto name = names.find(number);
      const auto song = name == names.end() ? wanted.end() : wanted.find(name->second);
      if (song == wanted.end()) continue;
      import.add(song->second, values);
      wanted.erase(song);
    }
    for (const auto& [track, song] : wanted)
      import.skip(Import::Why::missing, track, song.work_id, "not in " + cly);
    import.finish();
  }

  std::string split_of(const List& list, const ShsWork& work) const {
    if (list.split != "train" || validation == 0) return list.split;
    Division division{100 - validation, validation, 0, options.seed};
    return division.split_of(work.work_id);
  }

  void add(Import& import, const MillionSongs& songs, const List& list, const ShsWork& work) const {
    std::vector<SongInfo> infos;
    std::vector<RecordingSketch> sketches;
    for (const ShsTrack& track : work.tracks) {
      try {
        const std::optional<MillionSong> song = songs.find(track.track_id);
        if (!song) {
          import.skip(Import::Why::missing, track.track_id, work.work_id, "no Million Song file");
          continue;
        }
        sketches.push_back(
            {song->artist_id, song->audio_md5, song->duration, million_song_chroma(*song, chroma)});
        infos.push_back(
            {track.track_id, work.work_id, split_of(list, work), song->title, song->artist});
      } catch (const Error& error) {
        import.skip(Import::Why::damaged, track.track_id, work.work_id, error.what());
      }
    }
    std::vector<bool> dropped(infos.size());
    for (const Duplicate& d : find_duplicates(sketches, rules)) {
      dropped[d.song] = true;
      import.skip(Import::Why::duplicate, infos[d.song].song_id, work.work_id,
                  d.same_checksum ? fmt::format("the audio of {}", infos[d.of].song_id)
                                  : fmt::format("the frames of {} (mean cosine {:.4f})",
                                                infos[d.of].song_id, d.cosine));
    }
    for (std::size_t i = 0; i < infos.size(); ++i)
      if (!dropped[i]) import.add(infos[i], sketches[i].chroma);
  }
};

}  // namespace

void add_import_shs(CLI::App& import, Action& action) {
  const auto shs = std::make_shared<Shs>();
  CLI::App* command =
      import.add_subcommand("shs", "SecondHandSongs lists with Million Song Dataset files");
  command
      ->add_option(
          "--list", shs->lists,
          "list of works and tracks: SHS train or test, or a pruned one; the split follows "
          "from the name; repeatable")
      ->required();
  command->add_flag("--queries", shs->queries,
                    "the lists hold triples of query, cover and non-cover");
  command
      ->add_option("--msd", shs->trees,
                   "folder with Million Song files, or an aggregate file; repeatable")
      ->check(CLI::ExistingPath);
  CLI::Option* cly =
      command->add_option("--cly", shs->cly, "btchromas.cly of the pruned list, instead of --msd");
  cly->needs(command->add_option("--keys", shs->keys, "msd_keys_mapping.cly, with --cly"));
  command
      ->add_option("--chroma", shs->chroma,
                   "beat2012 (Bertin-Mahieux & Ellis, ISMIR 2012: segments weighted by loudness), "
                   "beat2011 (the same authors, WASPAA 2011: unweighted) or segments")
      ->check(CLI::IsMember({"beat2012", "beat2011", "segments"}))
      ->capture_default_str();
  command
      ->add_option("--validation", shs->validation,
                   "percentage of the works in train lists to use for validation")
      ->check(CLI::Range(0.0, 90.0))
      ->capture_default_str();
  command
      ->add_option(
          "--duplicate-cosine", shs->rules.cosine,
          "songs of one work and artist count as one recording from this mean frame cosine; "
          "above 1: never")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  shs->options.add_to(*command);
  command->footer(
      "Example:\n  reprise import shs --list shs_dataset_train.txt --list shs_dataset_test.txt "
      "--msd msd/data --validation 10 --out shs.h5 --report left-out.tsv\n");
  command->callback([shs, &action] { action = [shs] { shs->run(); }; });
}

}  // namespace reprise::cli
