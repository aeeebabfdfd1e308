// csv, npy and chroma-h5: a file a song, any matrix of twelve columns.

#include <fmt/format.h>

#include <filesystem>

#include "collections/chroma_table.h"
#include "collections/frames.h"
#include "collections/read_files.h"
#include "collections/shs_list.h"
#include "core/lines.h"
#include "io/hdf5_reader.h"
#include "reprise/error.h"

namespace reprise {
namespace {

using Kind = ReaderOption::Kind;

constexpr ReaderOption kFirstLine{
    .name = "first-line",
    .meaning =
        "meaning of the first line: frame, header, or auto (a header unless all numbers); cover_id "
        "itself treats every first line as a header",
    .initial = "auto",
    .choices = "auto|frame|header"};

FirstLine first_line(const ReaderValues& values) {
  const std::string& name = values.text("first-line");
  return name == "frame"    ? FirstLine::frame
         : name == "header" ? FirstLine::header
                            : FirstLine::automatic;
}

/// The options of all three, then those of one.
std::vector<ReaderOption> table_options(std::initializer_list<ReaderOption> own) {
  std::vector<ReaderOption> options{
      {.name = "paths",
       .meaning = "files or folders: files in a subfolder of one of these are versions of one "
                  "work, any other file is a work of its own",
       .kind = Kind::texts,
       .positional = true},
      {.name = "list",
       .meaning = "CSV with the columns song_id, work_id and path (optionally title, artist, "
                  "split, tune_id), instead of paths"},
      {.name = "origin",
       .meaning = "semitones of the first column above C (A: 9)",
       .kind = Kind::number,
       .initial = "0",
       .high = 11,
       .whole = true},
      {.name = "normalise",
       .meaning = "scale every frame so that its maximum is 1",
       .kind = Kind::flag},
      {.name = "frames-per-second",
       .meaning = "frame rate of the files, if known",
       .kind = Kind::number,
       .high = 1e6},
      {.name = "chroma",
       .meaning = "how the chroma was computed, in a few words: song sets and models with "
                  "different words are not mixed"}};
  options.insert(options.end(), own.begin(), own.end());
  return options;
}

void read_tables(const char* kind, const std::string& extension, const ReaderValues& values,
                 const LoadChroma& load, SongSink& sink) {
  const std::string& list = values.text("list");
  const std::vector<std::string>& paths = values.texts("paths");
  if (list.empty() == paths.empty())
    throw SettingsError(fmt::format("{}: expected paths or a list, and not both", kind));
  const std::vector<SongFile> songs =
      list.empty() ? song_files_below(paths, extension)
                   : read_song_list(list, std::filesystem::path(list).parent_path().string());
  SongSetInfo info;
  info.source = fmt::format("{} files of {}", kind, list.empty() ? paths.front() : list);
  info.chroma_source = values.text("chroma");
  info.frames_per_second = values.number("frames-per-second");
  const int origin = static_cast<int>(values.number("origin"));
  const bool normalise = values.flag("normalise");
  read_files(
      info, songs,
      [&](const std::string& path) {
        std::vector<float> chroma = load(path);
        move_origin_to_c(chroma, origin);
        if (normalise) normalise_frames(chroma);
        return chroma;
      },
      sink);
}

void read_csv(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const FirstLine first = first_line(values);
  const bool time = values.flag("time");
  read_tables(
      "csv", ".csv", values,
      [&](const std::string& path) { return read_chroma_csv(path, first, time); }, sink);
}

void read_npy(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const bool transposed = values.flag("transposed");
  read_tables(
      "npy", ".npy", values,
      [&](const std::string& path) { return read_chroma_npy(path, transposed); }, sink);
}

void read_hdf5(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const std::string& given = values.text("dataset");
  const std::string name = given.starts_with('/') ? given : "/" + given;
  read_tables(
      "chroma-h5", ".h5", values,
      [&](const std::string& path) { return read_chroma_hdf5(path, name); }, sink);
}

/// HDF5 with chroma that is not a song set's.
bool holds_chroma(const std::string& path) {
  try {
    const hdf5::Reader file(path);
    return file.has("/chroma") && !file.has("/offsets");
  } catch (const Error&) {
    return false;
  }
}

/// cover_id's TRACK.csv files, and a list of works.
void read_cover_id(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const std::string &list = values.text("list"), &mapping = values.text("mapping");
  std::unordered_map<std::string, std::int64_t> numbers;
  if (!mapping.empty()) {
    std::ifstream file = open_text(mapping);
    for (const auto& [number, track] : read_track_numbers(file, mapping)) numbers[track] = number;
  }
  std::vector<SongFile> songs;
  for (const ShsWork& work : read_shs_list(list))
    for (const ShsTrack& track : work.tracks) {
      const auto number = numbers.find(track.track_id);
      const std::string name =
          number == numbers.end() ? track.track_id : std::to_string(number->second);
      SongInfo& song = songs
                           .emplace_back(track.track_id, work.work_id,
                                         values.text("folder") + "/" + name + ".csv")
                           .song;
      song.title = work.title;
      song.split = split_of_name(list);
    }
  SongSetInfo info;
  info.source = fmt::format("cover_id, works of {}", list);
  info.chroma_source = "cover_id csv";
  const FirstLine first = first_line(values);
  read_files(
      info, songs, [&](const std::string& path) { return read_chroma_csv(path, first, false); },
      sink);
}

}  // namespace

std::vector<Reader> tables_readers() {
  return {
      {.name = "csv",
       .summary = "CSV files with twelve columns",
       .example = "csv --list songs.csv --out songs.h5",
       .options = table_options(
           {kFirstLine,
            {.name = "time", .meaning = "a time column precedes the twelve", .kind = Kind::flag}}),
       .endings = {".csv"},
       .read = read_csv},
      {.name = "npy",
       .summary = "NumPy arrays of shape [frames, 12]",
       .example = "npy folder --transposed --out songs.h5",
       .options = table_options({{.name = "transposed",
                                  .meaning = "the arrays are [12, frames], as in librosa",
                                  .kind = Kind::flag}}),
       .endings = {".npy"},
       .read = read_npy},
      {.name = "chroma-h5",
       .summary = "HDF5 files with a dataset of shape [frames, 12]",
       .example = "chroma-h5 folder --dataset /hpcp --origin 9 --out songs.h5",
       .options = table_options(
           {{.name = "dataset", .meaning = "name of the dataset", .initial = "/chroma"}}),
       .endings = {".h5", ".hdf5"},
       .holds = holds_chroma,
       .read = read_hdf5},
      {.name = "cover-id",
       .summary = "cover_id: TRACK.csv files and a list of works",
       .example = "cover-id chroma --list shs_pruned.txt --divide 50/20/30 --out shs.h5",
       .options =
           {{.name = "folder",
             .meaning = "folder with the CSV files",
             .kind = Kind::folder,
             .required = true,
             .positional = true},
            {.name = "list", .meaning = "list of works, such as shs_pruned.txt", .required = true},
            {.name = "mapping", .meaning = "uri_id_mapping.csv, if files are named by its numbers"},
            kFirstLine},
       .read = read_cover_id}};
}

}  // namespace reprise
