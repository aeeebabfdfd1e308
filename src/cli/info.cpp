#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "cli/commands.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/files.h"
#include "reprise/model.h"
#include "reprise/report.h"
#include "reprise/song_set.h"

namespace reprise::cli {
namespace {

bool is_hdf5(const std::string& path) {
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  char magic[8] = {};
  return std::fread(magic, 1, 8, file.get()) == 8 &&
         std::memcmp(magic, "\x89HDF\r\n\x1a\n", 8) == 0;
}

void print_song_set(const SongSet& set) {
  fmt::print("{}: song set\n", set.path);
  fmt::print("source   {}\n", set.source);
  fmt::print("chroma   {} frames of {}12 pitch classes, {}{}\n", set.frames(),
             set.bands == 1 && set.band_names.empty()
                 ? ""
                 : describe_bands(set.bands, set.band_names) + " of ",
             set.type == ChromaType::uint8 ? "uint8" : "float32",
             set.frames_per_second > 0
                 ? fmt::format(", {:g} a second, {:.1f} hours", set.frames_per_second,
                               static_cast<double>(set.frames()) / set.frames_per_second / 3600)
                 : "");
  if (!set.chroma_source.empty()) fmt::print("made by  {}\n", set.chroma_source);
  fmt::print("\n{:<12} {:>8} {:>8} {:>8} {:>12}\n", "split", "songs", "works", "queries", "frames");
  for (const char* split : {"train", "validation", "test", "noise"}) {
    std::map<std::string, int> works;
    std::int64_t frames = 0, queries = 0;
    const auto songs = set.songs_of(split);
    for (const std::int64_t song : songs) {
      ++works[set.work_id[song]];
      frames += set.frames(song);
    }
    for (const auto& [work, size] : works)
      if (size > 1) queries += size;
    if (!songs.empty())
      fmt::print("{:<12} {:>8} {:>8} {:>8} {:>12}\n", split, songs.size(), works.size(),
                 std::strcmp(split, "noise") == 0 ? 0 : queries, frames);
  }
}

void print_model(const std::string& path, const Model& model) {
  fmt::print("{}: model, {} values a song, {} learned parameters{}\n", path, model.dims(),
             model.weights.size(),
             model.projection_bias.empty()
                 ? ""
                 : fmt::format(" and a projection of {}",
                               model.projection_weight.size() + model.projection_bias.size()));
  fmt::print("configuration {}\n", model.config.hash());
  if (!model.chroma_source.empty()) fmt::print("trained on chroma {}\n", model.chroma_source);
  if (!model.band_names.empty())
    fmt::print("songs of {}\n", describe_bands(model.config.bands, model.band_names));
  fmt::print("\n");
  for (const Parameter& p : parameters())
    fmt::print("{:<22} {:<14} {}\n", p.name, model.config.get(p.name), p.meaning);
  for (const JoinedBigrams& j : model.joined) {
    fmt::print("\njoined with bigrams of {} learned parameters that differ in\n", j.weights.size());
    for (const Parameter& p : parameters())
      if (j.config.get(p.name) != model.config.get(p.name))
        fmt::print("{:<22} {:<14} {}\n", p.name, j.config.get(p.name), p.meaning);
  }
}

void print_catalogue(const std::string& path) {
  const Catalogue catalogue(path);
  std::set<std::string> works;
  std::int64_t frames = 0;
  for (const CatalogueSong& song : catalogue.songs()) {
    works.insert(song.work_id);
    frames += song.frames;
  }
  const ModelIdentity& model = catalogue.identity();
  fmt::print("{}: catalogue of {} songs of {} works, {} frames\n", path, catalogue.size(),
             works.size(), frames);
  fmt::print("model    {}, {} values a song, configuration {}, weights {}\n", model.name,
             catalogue.model().dims(), model.config, model.weights);
  const Model& learned = catalogue.model();
  fmt::print("chroma   {}{}\n", catalogue.keeps_chroma() ? "kept" : "not kept: no re-ranking",
             learned.config.bands == 1
                 ? ""
                 : ", " + describe_bands(learned.config.bands, learned.band_names));
}

void print_any(const std::string& path) {
  if (is_hdf5(path))
    print_song_set(read_song_set(path));
  else if (looks_like_catalogue(path))
    print_catalogue(path);
  else
    print_model(path, read_model(path));
}

void draw_song(const std::string& path, const std::string& id, const std::string& picture) {
  const SongSet set = read_song_set(path);
  const std::int64_t song = set.find(id);
  if (song < 0)
    throw InputError(fmt::format("{}: expected a song {}, found none", path, quote(id)));
  replace_file(picture, chroma_picture(set, song));
  fmt::print("{}: {} frames of {}\n", picture, set.frames(song), id);
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  struct Options {
    std::string path, song, picture;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("info", "Describe a song set, model or catalogue");
  command
      ->add_option("file", options->path,
                   "song set (HDF5), model (safetensors) or catalogue (SQLite)")
      ->required();
  CLI::Option* song = command->add_option("--song", options->song, "id of a song in the set");
  CLI::Option* picture = command->add_option("--picture", options->picture,
                                             "plot the song's chroma (SVG); with --song");
  song->needs(picture);
  picture->needs(song);
  command->footer(
      "Example:\n  reprise info data/tunes.h5\n"
      "  reprise info data/tunes.h5 --song oneill-0714 --picture chroma.svg\n");
  command->callback([options, &action] {
    action = [options] {
      if (options->song.empty())
        print_any(options->path);
      else
        draw_song(options->path, options->song, options->picture);
    };
  });
}

}  // namespace reprise::cli
