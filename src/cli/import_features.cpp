// Collections of features: a file of chroma a song.

#include <fmt/format.h>

#include <filesystem>

#include "cli/import.h"
#include "collections/chroma_table.h"
#include "collections/da_tacos.h"
#include "collections/frames.h"
#include "collections/shs_list.h"
#include "collections/song_files.h"
#include "core/lines.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

using Load = std::function<std::vector<float>(const std::string& path)>;

/// Reads every song's file; one that is missing or damaged is listed, and the others go on.
void import_files(const ImportOptions& options, const SongSetInfo& info,
                  const std::vector<SongFile>& files, const Load& load) {
  Import import(options, info, static_cast<std::int64_t>(files.size()));
  for (const SongFile& file : files) {
    std::vector<float> chroma;
    try {
      chroma = load(file.path);
    } catch (const Error& error) {
      import.skip(std::filesystem::exists(file.path) ? Import::Why::damaged : Import::Why::missing,
                  file.song.song_id, file.song.work_id, error.what());
      continue;
    }
    import.add(file.song, chroma, file.path);
  }
  import.finish();
}

FirstLine first_line_of(const std::string& name) {
  return name == "frame"    ? FirstLine::frame
         : name == "header" ? FirstLine::header
                            : FirstLine::automatic;
}

void add_first_line(CLI::App& command, std::string& first_line) {
  command
      .add_option(
          "--first-line", first_line,
          "meaning of the first line: frame, header, or auto (a header unless all numbers); "
          "cover_id itself treats every first line as a header")
      ->check(CLI::IsMember({"auto", "frame", "header"}))
      ->capture_default_str();
}

/// da-tacos and acoss.
struct Features {
  std::string source;  // a folder, or a list
  std::string root, metadata, extension = ".h5", feature = "hpcp";
  double rate = 4.5;
  ImportOptions options;

  void add_to(CLI::App& command) {
    command.add_option("--feature", feature, "hpcp, crema or chroma_cens")
        ->check(CLI::IsMember({"hpcp", "crema", "chroma_cens"}))
        ->capture_default_str();
    command
        .add_option("--frames-per-second", rate,
                    "average the frames (86.13 per second) down to this rate; 0: keep them")
        ->check(CLI::Range(0.0, kDaTacosRate))
        ->capture_default_str();
    options.add_to(command);
  }

  void run(const char* name, const std::vector<SongFile>& songs) const {
    SongSetInfo info;
    info.source = fmt::format("{} {}", name, source);
    info.frames_per_second = rate > 0 ? rate : kDaTacosRate;
    info.chroma_source = fmt::format("{} {:.6g}/s", feature, info.frames_per_second);
    const DaTacosFeature what = da_tacos_feature(feature);
    import_files(options, info, songs,
                 [&](const std::string& path) { return read_da_tacos(path, what, rate); });
  }

  void run_da_tacos() const {
    std::vector<SongFile> songs = da_tacos_files(source, feature);
    if (!metadata.empty()) add_da_tacos_titles(metadata, songs);
    run("Da-TACOS", songs);
  }
  void run_acoss() const { run("acoss", read_acoss_list(source, root, extension)); }
};

struct CoverId {
  std::string folder, list, mapping, first_line = "auto";
  ImportOptions options;

  void run() const {
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
        SongInfo& song =
            songs.emplace_back(track.track_id, work.work_id, folder + "/" + name + ".csv").song;
        song.title = work.title;
        song.split = split_of_name(list);
      }
    SongSetInfo info;
    info.source = fmt::format("cover_id, works of {}", list);
    info.chroma_source = "cover_id csv";
    import_files(options, info, songs, [&](const std::string& path) {
      return read_chroma_csv(path, first_line_of(first_line), false);
    });
  }
};

/// csv, npy and chroma-h5: any matrix of twelve columns.
struct Matrices {
  std::vector<std::string> paths;
  std::string list, dataset = "/chroma", chroma, first_line = "auto";
  double rate = 0;
  bool time = false, transposed = false, normalise = false;
  int origin = 0;
  ImportOptions options;

  CLI::App* add_to(CLI::App& import, const std::string& kind, const std::string& what) {
    CLI::App* command = import.add_subcommand(kind, what);
    command->add_option(
        "paths", paths,
        "files or folders: files in a subfolder of one of these are versions of one "
        "work, any other file is a work of its own");
    command->add_option("--list", list,
                        "CSV with the columns song_id, work_id and path (optionally title, artist, "
                        "split, tune_id), instead of paths");
    command->add_option("--origin", origin, "semitones of the first column above C (A: 9)")
        ->check(CLI::Range(0, 11))
        ->capture_default_str();
    command->add_flag("--normalise", normalise, "scale every frame so that its maximum is 1");
    command->add_option("--frames-per-second", rate, "frame rate of the files, if known")
        ->check(CLI::Range(0.0, 1e6));
    command->add_option("--chroma", chroma,
                        "how the chroma was computed, in a few words: song sets and models with "
                        "different words are not mixed");
    options.add_to(*command);
    return command;
  }

  void run(const char* kind, const std::string& extension, const Load& load) const {
    if (list.empty() == paths.empty())
      throw UsageError(fmt::format("import {}: expected one of paths and --list", kind));
    const std::vector<SongFile> songs =
        list.empty() ? song_files_below(paths, extension)
                     : read_song_list(list, std::filesystem::path(list).parent_path().string());
    SongSetInfo info;
    info.source = fmt::format("{} files of {}", kind, list.empty() ? paths.front() : list);
    info.chroma_source = chroma;
    info.frames_per_second = rate;
    import_files(options, info, songs, [&](const std::string& path) {
      std::vector<float> values = load(path);
      move_origin_to_c(values, origin);
      if (normalise) normalise_frames(values);
      return values;
    });
  }
};

}  // namespace

void add_import_features(CLI::App& import, Action& action) {
  const auto da_tacos = std::make_shared<Features>();
  CLI::App* command = import.add_subcommand(
      "da-tacos", "Da-TACOS: feature files W_14/P_15.h5, or one file per feature");
  command->add_option("folder", da_tacos->source, "folder with the files")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--metadata", da_tacos->metadata, "JSON file with the titles")
      ->check(CLI::ExistingFile);
  da_tacos->add_to(*command);
  command->footer(
      "Example:\n  reprise import da-tacos da-tacos_benchmark_subset_crema --feature crema --out "
      "da-tacos.h5\n");
  command->callback([da_tacos, &action] { action = [da_tacos] { da_tacos->run_da_tacos(); }; });

  const auto acoss = std::make_shared<Features>();
  command = import.add_subcommand("acoss", "acoss: a list work_id,track_id and feature files");
  command->add_option("--list", acoss->source, "CSV of work_id,track_id")->required();
  command->add_option("--root", acoss->root, "folder that contains the folders of the works")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--extension", acoss->extension, "file name extension")
      ->capture_default_str();
  acoss->add_to(*command);
  command->footer(
      "Example:\n  reprise import acoss --list covers80_annotations.csv --root features --out "
      "covers80.h5\n");
  command->callback([acoss, &action] { action = [acoss] { acoss->run_acoss(); }; });

  const auto cover_id = std::make_shared<CoverId>();
  command = import.add_subcommand("cover-id", "cover_id: TRACK.csv files and a list of works");
  command->add_option("folder", cover_id->folder, "folder with the CSV files")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--list", cover_id->list, "list of works, such as shs_pruned.txt")
      ->required();
  command->add_option("--mapping", cover_id->mapping,
                      "uri_id_mapping.csv, if files are named by its numbers");
  add_first_line(*command, cover_id->first_line);
  cover_id->options.add_to(*command);
  command->footer(
      "Example:\n  reprise import cover-id chroma --list shs_pruned.txt --divide 50/20/30 --out "
      "shs.h5\n");
  command->callback([cover_id, &action] { action = [cover_id] { cover_id->run(); }; });

  const auto csv = std::make_shared<Matrices>();
  command = csv->add_to(import, "csv", "CSV files with twelve columns");
  add_first_line(*command, csv->first_line);
  command->add_flag("--time", csv->time, "a time column precedes the twelve");
  command->footer("Example:\n  reprise import csv --list songs.csv --out songs.h5\n");
  command->callback([csv, &action] {
    action = [csv] {
      csv->run("csv", ".csv", [&](const std::string& path) {
        return read_chroma_csv(path, first_line_of(csv->first_line), csv->time);
      });
    };
  });

  const auto npy = std::make_shared<Matrices>();
  command = npy->add_to(import, "npy", "NumPy arrays of shape [frames, 12]");
  command->add_flag("--transposed", npy->transposed, "the arrays are [12, frames], as in librosa");
  command->footer("Example:\n  reprise import npy folder --transposed --out songs.h5\n");
  command->callback([npy, &action] {
    action = [npy] {
      npy->run("npy", ".npy",
               [&](const std::string& path) { return read_chroma_npy(path, npy->transposed); });
    };
  });

  const auto hdf5 = std::make_shared<Matrices>();
  command = hdf5->add_to(import, "chroma-h5", "HDF5 files with a dataset of shape [frames, 12]");
  command->add_option("--dataset", hdf5->dataset, "name of the dataset")->capture_default_str();
  command->footer(
      "Example:\n  reprise import chroma-h5 folder --dataset /hpcp --origin 9 --out songs.h5\n");
  command->callback([hdf5, &action] {
    action = [hdf5] {
      const std::string name = hdf5->dataset.starts_with('/') ? hdf5->dataset : "/" + hdf5->dataset;
      hdf5->run("chroma-h5", ".h5",
                [&](const std::string& path) { return read_chroma_hdf5(path, name); });
    };
  });
}

}  // namespace reprise::cli
