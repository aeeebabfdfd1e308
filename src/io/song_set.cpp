#include "reprise/song_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/text.h"
#include "io/hdf5_reader.h"
#include "io/hdf5_writer.h"
#include "io/song_set_check.h"
#include "io/song_set_image.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr const char* kFormat = "reprise-songs";
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kChunkFrames = 4096;

void check_format(const hdf5::Reader& file) {
  const auto format = file.text_attribute("/", "format");
  if (format != kFormat)
    throw Error(fmt::format("{}: attribute format: expected '{}', found {}", file.path(), kFormat,
                            format ? quote(*format) : "none"));
  const auto version = file.integer_attribute("/", "version");
  if (version != kVersion)
    throw Error(fmt::format("{}: attribute version: expected {}, found {}", file.path(), kVersion,
                            version ? std::to_string(*version) : "none"));
}

void read_chroma(const hdf5::Reader& file, std::int64_t frames, SongSet& set) {
  const hdf5::Shape shape = {frames, kPitchClasses};
  if (set.type == ChromaType::uint8)
    set.chroma_uint8 = file.numbers<std::uint8_t>("/chroma", shape);
  else
    set.chroma_float = file.numbers<float>("/chroma", shape);
}

ChromaType chroma_type(const hdf5::Dataset& chroma, const std::string& path) {
  const std::string name = chroma.element.name();
  if (name == "float32") return ChromaType::float32;
  if (name == "uint8") return ChromaType::uint8;
  throw Error(fmt::format("{}: /chroma: expected float32 or uint8, found {}", path, name));
}

SongSet read(const hdf5::Reader& file) {
  check_format(file);
  SongSet set;
  set.path = file.path();
  set.source = file.text_attribute("/", "source").value_or("");
  set.frames_per_second = file.real_attribute("/", "frames_per_second").value_or(0);
  set.chroma_source = file.text_attribute("/", "chroma").value_or("");

  // Offsets first: what they say bounds everything else.
  const hdf5::Dataset chroma = file.dataset("/chroma", {hdf5::kAny, kPitchClasses});
  set.type = chroma_type(chroma, file.path());
  set.offsets = file.numbers<std::int64_t>("/offsets", {hdf5::kAny});
  check_offsets(set.offsets, chroma.shape[0], file.path());
  const std::int64_t songs = static_cast<std::int64_t>(set.offsets.size()) - 1;
  read_chroma(file, chroma.shape[0], set);

  const auto optional_texts = [&](const std::string& name) {
    return file.has(name) ? file.texts(name, songs) : std::vector<std::string>();
  };
  set.song_id = file.texts("/song_id", songs);
  set.work_id = file.texts("/work_id", songs);
  set.split = optional_texts("/split");
  if (set.split.empty()) set.split.assign(static_cast<std::size_t>(songs), "test");
  set.title = optional_texts("/title");
  set.artist = optional_texts("/artist");
  set.tune_id = optional_texts("/tune_id");
  if (file.has("/melodic_similarity"))
    set.melodic_similarity = file.numbers<float>("/melodic_similarity", {songs});
  check_song_set(set, file.path());
  return set;
}

void write(hdf5::Writer& file, const SongSet& set) {
  file.attribute("format", std::string(kFormat));
  file.attribute("version", kVersion);
  file.attribute("source", set.source);
  if (set.frames_per_second > 0) file.attribute("frames_per_second", set.frames_per_second);
  if (!set.chroma_source.empty()) file.attribute("chroma", set.chroma_source);

  const hdf5::Shape shape = {set.frames(), kPitchClasses};
  if (set.type == ChromaType::uint8)
    file.numbers("/chroma", shape, set.chroma_uint8.data(), kChunkFrames);
  else
    file.numbers("/chroma", shape, set.chroma_float.data(), kChunkFrames);
  file.numbers("/offsets", {set.songs() + 1}, set.offsets.data());
  file.texts("/song_id", set.song_id);
  file.texts("/work_id", set.work_id);
  file.texts("/split", set.split);
  if (!set.title.empty()) file.texts("/title", set.title);
  if (!set.artist.empty()) file.texts("/artist", set.artist);
  if (!set.tune_id.empty()) file.texts("/tune_id", set.tune_id);
  if (!set.melodic_similarity.empty())
    file.numbers("/melodic_similarity", {set.songs()}, set.melodic_similarity.data());
  file.finish();
}

}  // namespace

std::vector<std::int64_t> SongSet::songs_of(std::string_view split_name) const {
  std::vector<std::int64_t> found;
  for (std::int64_t song = 0; song < songs(); ++song)
    if (split[static_cast<std::size_t>(song)] == split_name) found.push_back(song);
  return found;
}

std::int64_t SongSet::find(std::string_view id) const {
  const auto found = std::find(song_id.begin(), song_id.end(), id);
  return found == song_id.end() ? -1 : found - song_id.begin();
}

SongSet read_song_set(const std::string& path) {
  return read(hdf5::Reader(path));
}

SongSet parse_song_set(std::span<const std::uint8_t> image, const std::string& path) {
  return read(hdf5::Reader(image, path));
}

void write_song_set(const std::string& path, const SongSet& songs) {
  check_song_set(songs, path);
  replace_file(path, [&](const std::string& temporary) {
    hdf5::Writer file(temporary, path);
    write(file, songs);
  });
}

}  // namespace reprise
