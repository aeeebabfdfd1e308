// SecondHandSongs' lists of covers, with the songs' files in the Million Song Dataset.

#include <fmt/format.h>

#include <map>

#include "collections/beat_chroma.h"
#include "collections/chroma_table.h"
#include "collections/duplicates.h"
#include "collections/shs_list.h"
#include "core/lines.h"
#include "reprise/division.h"
#include "reprise/error.h"
#include "reprise/readers.h"

namespace reprise {
namespace {

using Kind = ReaderOption::Kind;

struct List {
  std::string path;
  std::string split;
  std::vector<ShsWork> works;

  std::int64_t tracks() const {
    std::int64_t count = 0;
    for (const ShsWork& work : works) count += std::ssize(work.tracks);
    return count;
  }
};

class Shs {
 public:
  Shs(const ReaderValues& values, const ReadContext& context, SongSink& sink)
      : values_(values), seed_(context.seed), sink_(sink) {
    for (const std::string& path : values.texts("list")) {
      List list{path, split_of_name(path), read_shs_list(path)};
      if (values.flag("queries")) list.works = works_of_queries(list.works, path);
      context.observer.tell(
          fmt::format("{}: {} works, {} tracks{}", path, list.works.size(), list.tracks(),
                      list.split.empty() ? "" : fmt::format(", split {}", list.split)));
      tracks_ += list.tracks();
      lists_.push_back(std::move(list));
    }
  }

  void read_msd() {
    const MillionSongs songs(values_.texts("msd"));
    SongSetInfo info;
    info.source = "Million Song Dataset, works of the SecondHandSongs lists";
    info.chroma_source = values_.text("chroma");
    sink_.begin(info, tracks_);
    for (const List& list : lists_)
      for (const ShsWork& work : list.works) add(songs, list, work);
  }

  /// The songs of a .cly file in its order; those of no list are passed over, and what the lists
  /// have beyond is missing.
  void read_cly() {
    const std::string &cly = values_.text("cly"), &keys = values_.text("keys");
    std::map<std::string, SongInfo> wanted;
    for (const List& list : lists_)
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
    sink_.begin(info, tracks_);
    std::int64_t number = 0;
    std::vector<float> chroma;
    while (songs.next(number, chroma)) {
      const auto name = names.find(number);
      const auto song = name == names.end() ? wanted.end() : wanted.find(name->second);
      if (song == wanted.end()) continue;
      sink_.add(song->second, chroma, {});
      wanted.erase(song);
    }
    for (const auto& [track, song] : wanted)
      sink_.leave_out(LeftOut::missing, track, song.work_id, "not in " + cly);
  }

 private:
  std::string split_of(const List& list, const ShsWork& work) const {
    const double validation = values_.number("validation");
    if (list.split != "train" || validation == 0) return list.split;
    return Division{100 - validation, validation, 0, seed_}.split_of(work.work_id);
  }

  void add(const MillionSongs& songs, const List& list, const ShsWork& work) {
    std::vector<SongInfo> infos;
    std::vector<RecordingSketch> sketches;
    for (const ShsTrack& track : work.tracks) {
      try {
        const std::optional<MillionSong> song = songs.find(track.track_id);
        if (!song) {
          sink_.leave_out(LeftOut::missing, track.track_id, work.work_id, "no Million Song file");
          continue;
        }
        sketches.push_back({song->artist_id, song->audio_md5, song->duration,
                            million_song_chroma(*song, values_.text("chroma"))});
        infos.push_back(
            {track.track_id, work.work_id, split_of(list, work), song->title, song->artist});
      } catch (const Error& error) {
        sink_.leave_out(LeftOut::damaged, track.track_id, work.work_id, error.what());
      }
    }
    std::vector<bool> dropped(infos.size());
    DuplicateRules rules;
    rules.cosine = values_.number("duplicate-cosine");
    for (const Duplicate& d : find_duplicates(sketches, rules)) {
      dropped[d.song] = true;
      sink_.leave_out(LeftOut::duplicate, infos[d.song].song_id, work.work_id,
                      d.same_checksum ? fmt::format("the audio of {}", infos[d.of].song_id)
                                      : fmt::format("the frames of {} (mean cosine {:.4f})",
                                                    infos[d.of].song_id, d.cosine));
    }
    for (std::size_t i = 0; i < infos.size(); ++i)
      if (!dropped[i]) sink_.add(infos[i], sketches[i].chroma, {});
  }

  const ReaderValues& values_;
  std::uint64_t seed_;
  SongSink& sink_;
  std::vector<List> lists_;
  std::int64_t tracks_ = 0;
};

void read(const ReaderValues& values, const ReadContext& context, SongSink& sink) {
  const std::string& cly = values.text("cly");
  if (values.texts("msd").empty() == cly.empty())
    throw SettingsError("shs: expected one of the options msd and cly");
  if (!cly.empty() && values.text("keys").empty())
    throw SettingsError("shs: expected the option keys with cly");
  Shs shs(values, context, sink);
  if (cly.empty())
    shs.read_msd();
  else
    shs.read_cly();
}

}  // namespace

std::vector<Reader> shs_readers() {
  return {
      {.name = "shs",
       .summary = "SecondHandSongs lists with Million Song Dataset files",
       .example = "shs --list shs_dataset_train.txt --list shs_dataset_test.txt --msd msd/data "
                  "--validation 10 --out shs.h5 --report left-out.tsv",
       .options = {{.name = "list",
                    .meaning = "list of works and tracks: SHS train or test, or a pruned one; the "
                               "split follows from the name; repeatable",
                    .kind = Kind::texts,
                    .required = true},
                   {.name = "queries",
                    .meaning = "the lists hold triples of query, cover and non-cover",
                    .kind = Kind::flag},
                   {.name = "msd",
                    .meaning = "folder with Million Song files, or an aggregate file; repeatable",
                    .kind = Kind::texts},
                   {.name = "cly", .meaning = "btchromas.cly of the pruned list, in place of msd"},
                   {.name = "keys", .meaning = "msd_keys_mapping.cly, with cly"},
                   {.name = "chroma",
                    .meaning = "beat2012 (Bertin-Mahieux & Ellis, ISMIR 2012: segments weighted by "
                               "loudness), beat2011 (the same authors, WASPAA 2011: unweighted) or "
                               "segments",
                    .initial = "beat2012",
                    .choices = "beat2012|beat2011|segments"},
                   {.name = "validation",
                    .meaning = "percentage of the works in train lists to use for validation",
                    .kind = Kind::number,
                    .initial = "0",
                    .high = 90},
                   {.name = "duplicate-cosine",
                    .meaning = "songs of one work and artist count as one recording from this mean "
                               "frame cosine; above 1: never",
                    .kind = Kind::number,
                    .initial = "0.98",
                    .high = 2}},
       .read = read}};
}

}  // namespace reprise
