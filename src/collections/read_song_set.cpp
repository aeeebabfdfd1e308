// The house's own format: song sets (HDF5).

#include "reprise/readers.h"

namespace reprise {
namespace {

void read(const ReaderValues& values, const ReadContext&, SongSink& sink) {
  for (const std::string& path : values.texts("paths")) sink.add_set(read_song_set(path));
}

}  // namespace

std::vector<Reader> song_set_readers() {
  return {{.name = "song-set",
           .summary = "Song sets, joined, divided or kept in another type",
           .example = "song-set a.h5 b.h5 --type uint8 --out both.h5",
           .options = {{.name = "paths",
                        .meaning = "song sets (HDF5)",
                        .kind = ReaderOption::Kind::texts,
                        .required = true,
                        .positional = true}},
           .read = read}};
}

}  // namespace reprise
