// Files of one song's chroma (Da-TACOS and acoss, in either layout; chroma-h5) of odd types,
// shapes, storage and values.

#include "collections/chroma_table.h"
#include "collections/frames.h"
#include "odd_file.h"

namespace {

using reprise::fuzz::Bytes;
using reprise::fuzz::Handle;
using reprise::fuzz::OddFile;

/// As deepdish lays out a song: its features in the root, some in groups, strings as attributes.
Bytes build(OddFile& file) {
  file.attribute("label", OddFile::text(4), "W_14");
  file.attribute("track_id", OddFile::text(4), "P_15");
  const std::vector<float> chroma(400, 0.5f);
  file.group("madmom_features");
  file.dataset("/madmom_features/onsets", Handle(H5Tcopy(H5T_NATIVE_INT64), H5Tclose), {2},
               "0123456789abcdef");
  file.dataset("hpcp", Handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose), {33, 12}, chroma.data());
  file.dataset("mfcc_htk", Handle(H5Tcopy(H5T_NATIVE_FLOAT), H5Tclose), {13, 4}, chroma.data());
  return file.image();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reprise;
  const hdf5::Session session;
  OddFile file(data, size);
  const Bytes image = build(file);
  for (const char* name : {"/hpcp", "/mfcc_htk", "/madmom_features"})
    fuzz::read_or_refuse([&] {
      std::vector<float> chroma = parse_chroma_hdf5(image, "input", name);
      move_origin_to_c(chroma, 9);
      chroma = average_frames(chroma, 86, 4.5);
      normalise_frames(chroma);
    });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  constexpr std::size_t kChoices = 80;
  return {Bytes(kChoices, 0)};
}
