// Million Song files of odd types, shapes, storage and values: one song (first byte even) or two.

#include <cstddef>

#include "collections/beat_chroma.h"
#include "collections/million_song.h"
#include "odd_file.h"

namespace {

using reprise::fuzz::Bytes;
using reprise::fuzz::Handle;
using reprise::fuzz::OddFile;

struct Record {
  char audio_md5[4];
  char track_id[8];
  std::int32_t idx_segments_pitches, idx_segments_start, idx_segments_loudness_start,
      idx_beats_start;
  double duration;
  char song_id[2], title[2], artist_name[2], artist_id[2];
};

Handle record() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(Record)), H5Tclose);
  const auto text = [&](const char* name, std::size_t offset, std::size_t width) {
    H5Tinsert(type.get(), name, offset, OddFile::text(width).get());
  };
  const auto number = [&](const char* name, std::size_t offset, hid_t kind) {
    H5Tinsert(type.get(), name, offset, kind);
  };
  text("audio_md5", offsetof(Record, audio_md5), 4);
  text("track_id", offsetof(Record, track_id), 8);
  number("idx_segments_pitches", offsetof(Record, idx_segments_pitches), H5T_NATIVE_INT32);
  number("idx_segments_start", offsetof(Record, idx_segments_start), H5T_NATIVE_INT32);
  number("idx_segments_loudness_start", offsetof(Record, idx_segments_loudness_start),
         H5T_NATIVE_INT32);
  number("idx_beats_start", offsetof(Record, idx_beats_start), H5T_NATIVE_INT32);
  number("duration", offsetof(Record, duration), H5T_NATIVE_DOUBLE);
  text("song_id", offsetof(Record, song_id), 2);
  text("title", offsetof(Record, title), 2);
  text("artist_name", offsetof(Record, artist_name), 2);
  text("artist_id", offsetof(Record, artist_id), 2);
  return type;
}

Bytes build(OddFile& file, std::size_t songs) {
  const std::vector<Record> records = {
      {{'m', '1'}, {'T', 'R', 'A', 'A', 'A', 'A', 'A'}, 0, 0, 0, 0, 4, {'s'}, {'t'}, {'a'}, {'i'}},
      {{'m', '2'}, {'T', 'R', 'A', 'A', 'A', 'A', 'B'}, 4, 4, 4, 3, 4, {'s'}, {'t'}, {'a'}, {'i'}}};
  file.group("analysis");
  file.group("metadata");
  file.dataset("/analysis/songs", record(), {songs}, records.data());
  file.dataset("/metadata/songs", record(), {songs}, records.data());
  const auto numbers = [&](const char* name, std::vector<hsize_t> lengths,
                           const std::vector<double>& one) {
    std::vector<double> values;
    for (std::size_t i = 0; i < songs; ++i) values.insert(values.end(), one.begin(), one.end());
    lengths[0] *= songs;
    file.dataset(name, Handle(H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose), lengths, values.data());
  };
  numbers("/analysis/segments_start", {4}, {0, 1, 2, 3});
  numbers("/analysis/segments_loudness_start", {4}, {-60, -10, -5, -20});
  numbers("/analysis/beats_start", {3}, {0.5, 1.5, 2.5});
  numbers("/analysis/segments_pitches", {4, 12}, std::vector<double>(48, 0.5));
  return file.image();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const reprise::hdf5::Session session;
  const std::size_t songs = size > 0 ? 1 + data[0] % 2 : 1;
  OddFile odd(data + (size > 0), size - (size > 0));
  const Bytes image = build(odd, songs);
  reprise::fuzz::read_or_refuse([&] {
    const reprise::MillionSongFile file(image, "input");
    for (std::size_t i = 0; i < file.track_ids().size(); ++i) {
      const reprise::MillionSong song = file.read(i);
      for (const char* variant : {"segments", "beat2011", "beat2012"})
        reprise::million_song_chroma(song, variant);
    }
  });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  constexpr std::size_t kChoices = 120;
  Bytes two(kChoices, 0);
  two[0] = 1;
  return {Bytes(kChoices, 0), two};
}
