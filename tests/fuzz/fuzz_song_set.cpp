// Any bytes as an HDF5 file.

#include "fuzz.h"
#include "io/song_set_image.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reprise::fuzz::read_or_refuse([&] { reprise::parse_song_set({data, size}, "input"); });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  SongSet set;
  set.offsets = {0, 2, 5};
  set.chroma_float.assign(60, 0.5f);
  set.song_id = {"a", "b"};
  set.work_id = {"w", "w"};
  set.split = {"train", "test"};
  std::vector<Bytes> files;
  files.push_back(written_by([&](const std::string& path) { write_song_set(path, set); }));
  set.type = ChromaType::uint8;
  set.chroma_uint8.assign(60, 128);
  set.title = {"Für Elise", ""};
  set.artist = {"A", "B"};
  set.tune_id = {"t", "t"};
  set.melodic_similarity = {0.5f, 1.0f};
  set.frames_per_second = 2;
  set.chroma_source = "audio rate=22050";
  files.push_back(written_by([&](const std::string& path) { write_song_set(path, set); }));
  return files;
}
