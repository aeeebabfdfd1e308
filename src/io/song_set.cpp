#include "reprise/song_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/scratch.h"
#include "core/text.h"
#include "io/hdf5_reader.h"
#include "io/hdf5_writer.h"
#include "io/song_set_attributes.h"
#include "io/song_set_check.h"
#include "io/song_set_image.h"
#include "reprise/error.h"

namespace reprise {
namespace {

template <class T>
void read_chroma(const hdf5::Reader& file, const hdf5::Dataset& chroma, std::int64_t in_memory,
                 std::vector<T>& values, std::shared_ptr<const void>& mapped) {
  const std::int64_t bytes = chroma.size() * std::int64_t{sizeof(T)};
  if (bytes <= in_memory) {
    values = file.numbers<T>("/chroma", chroma.shape);
  } else if (const auto place = file.place_of<T>(chroma);
             place && *place % std::int64_t{alignof(T)} == 0) {
    mapped = map_file(file.path(), *place, bytes);
  } else {
    const auto memory = scratch_memory(bytes, file.path());
    file.numbers_into(chroma, static_cast<T*>(memory.get()));
    mapped = memory;
  }
}

ChromaType chroma_type(const hdf5::Dataset& chroma, const std::string& path) {
  const std::string name = chroma.element.name();
  if (name == "float32") return ChromaType::float32;
  if (name == "uint8") return ChromaType::uint8;
  throw InputError(fmt::format("{}: /chroma: expected float32 or uint8, found {}", path, name));
}

SongSet read(const hdf5::Reader& file, std::int64_t in_memory) {
  const SongSetInfo info = read_song_set_attributes(file);
  SongSet set;
  set.path = file.path();
  set.source = info.source;
  set.chroma_source = info.chroma_source;
  set.frames_per_second = info.frames_per_second;
  set.bands = info.bands;
  set.band_names = info.band_names;

  // Offsets first: what they say bounds everything else.
  const hdf5::Dataset chroma = file.dataset("/chroma", {hdf5::kAny, set.width()});
  set.type = chroma_type(chroma, file.path());
  set.offsets = file.numbers<std::int64_t>("/offsets", {hdf5::kAny});
  check_offsets(set.offsets, chroma.shape[0], file.path());
  const std::int64_t songs = static_cast<std::int64_t>(set.offsets.size()) - 1;
  if (set.type == ChromaType::uint8)
    read_chroma(file, chroma, in_memory, set.chroma_uint8, set.mapped_chroma);
  else
    read_chroma(file, chroma, in_memory, set.chroma_float, set.mapped_chroma);

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

template <class T>
void write_chroma(hdf5::Writer& file, const SongSet& set) {
  const auto* values = static_cast<const T*>(set.chroma().data);
  file.numbers<T>("/chroma", {set.frames(), set.width()},
                  set.frames() * set.bytes_of_frame() > kChromaInMemory
                      ? hdf5::Writer::Layout::plain
                      : hdf5::Writer::Layout::packed,
                  [&](T* block, std::int64_t rows) {
                    std::copy_n(values, rows * set.width(), block);
                    values += rows * set.width();
                  });
}

void write(hdf5::Writer& file, const SongSet& set) {
  write_song_set_attributes(file, info_of(set));
  if (set.type == ChromaType::uint8)
    write_chroma<std::uint8_t>(file, set);
  else
    write_chroma<float>(file, set);
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

SongSet read_song_set(const std::string& path, std::int64_t in_memory) {
  return read(hdf5::Reader(path), in_memory);
}

SongSet parse_song_set(std::span<const std::uint8_t> image, const std::string& path) {
  return read(hdf5::Reader(image, path), kChromaInMemory);
}

void write_song_set(const std::string& path, const SongSet& songs) {
  check_song_set(songs, path);
  replace_file(path, [&](const std::string& temporary) {
    hdf5::Writer file(temporary, path);
    write(file, songs);
  });
}

}  // namespace reprise
