// Da-TACOS and acoss: files of features, as their authors distribute them.

#include <fmt/format.h>

#include "collections/da_tacos.h"
#include "collections/read_files.h"

namespace reprise {
namespace {

using Kind = ReaderOption::Kind;

constexpr ReaderOption kFeature{.name = "feature",
                                .meaning = "hpcp, crema or chroma_cens",
                                .initial = "hpcp",
                                .choices = "hpcp|crema|chroma_cens"};
constexpr ReaderOption kRate{
    .name = "frames-per-second",
    .meaning = "average the frames (86.13 per second) down to this rate; 0: keep them",
    .kind = Kind::number,
    .initial = "4.5",
    .high = kDaTacosRate};

void read(const char* name, const std::string& source, const std::vector<SongFile>& songs,
          const ReaderValues& values, SongSink& sink) {
  const std::string& feature = values.text("feature");
  const double rate = values.number("frames-per-second");
  SongSetInfo info;
  info.source = fmt::format("{} {}", name, source);
  info.frames_per_second = rate > 0 ? rate : kDaTacosRate;
  info.chroma_source = fmt::format("{} {:.6g}/s", feature, info.frames_per_second);
  const DaTacosFeature what = da_tacos_feature(feature);
  read_files(
      info, songs,
      [&](const std::string& path) { return reprise::read_da_tacos(path, what, rate); }, sink);
}

void read_da_tacos_folder(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const std::string &folder = values.text("folder"), &metadata = values.text("metadata");
  std::vector<SongFile> songs = da_tacos_files(folder, values.text("feature"));
  if (!metadata.empty()) add_da_tacos_titles(metadata, songs);
  read("Da-TACOS", folder, songs, values, sink);
}

void read_acoss(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  const std::string& list = values.text("list");
  read("acoss", list, read_acoss_list(list, values.text("root"), values.text("extension")), values,
       sink);
}

}  // namespace

std::vector<Reader> da_tacos_readers() {
  return {
      {.name = "da-tacos",
       .summary = "Da-TACOS: feature files W_14/P_15.h5, or one file per feature",
       .example = "da-tacos da-tacos_benchmark_subset_crema --feature crema --out da-tacos.h5",
       .options = {{.name = "folder",
                    .meaning = "folder with the files",
                    .kind = Kind::folder,
                    .required = true,
                    .positional = true},
                   {.name = "metadata", .meaning = "JSON file with the titles", .kind = Kind::file},
                   kFeature,
                   kRate},
       .read = read_da_tacos_folder},
      {.name = "acoss",
       .summary = "acoss: a list work_id,track_id and feature files",
       .example = "acoss --list covers80_annotations.csv --root features --out covers80.h5",
       .options = {{.name = "list", .meaning = "CSV of work_id,track_id", .required = true},
                   {.name = "root",
                    .meaning = "folder that contains the folders of the works",
                    .kind = Kind::folder,
                    .required = true},
                   {.name = "extension", .meaning = "file name extension", .initial = ".h5"},
                   kFeature,
                   kRate},
       .read = read_acoss}};
}

}  // namespace reprise
