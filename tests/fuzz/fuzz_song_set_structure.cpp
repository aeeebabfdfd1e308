// Song sets of odd types, shapes, storage and values.

#include "io/song_set_image.h"
#include "odd_file.h"

namespace {

using reprise::fuzz::Bytes;
using reprise::fuzz::Handle;
using reprise::fuzz::OddFile;

Bytes build(OddFile& file) {
  file.attribute("format", OddFile::text(13), "reprise-songs");
  const std::int32_t version = 1;
  file.attribute("version", Handle(H5Tcopy(H5T_NATIVE_INT32), H5Tclose), &version);
  const double rate = 2;
  file.attribute("frames_per_second", Handle(H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose), &rate);
  file.attribute("chroma", OddFile::text(5), "audio");
  const std::vector<float> chroma(60, 0.5f);
  file.dataset("chroma", Handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose), {5, 12}, chroma.data());
  const std::array<std::int64_t, 3> offsets = {0, 2, 5};
  file.dataset("offsets", Handle(H5Tcopy(H5T_NATIVE_INT64), H5Tclose), {3}, offsets.data());
  for (const char* name : {"song_id", "work_id", "title", "artist", "tune_id"})
    file.dataset(name, OddFile::text(1), {2}, "ab");
  file.dataset("split", OddFile::text(5), {2}, "test\0train");
  const std::array<float, 2> similarity = {0.5f, 1};
  file.dataset("melodic_similarity", Handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose), {2},
               similarity.data());
  return file.image();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const reprise::hdf5::Session session;
  OddFile file(data, size);
  const Bytes image = build(file);
  reprise::fuzz::read_or_refuse([&] { reprise::parse_song_set(image, "input"); });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  constexpr std::size_t kChoices = 160;
  return {Bytes(kChoices, 0)};
}
