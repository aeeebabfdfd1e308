#pragma once

#include "io/hdf5_reader.h"
#include "io/hdf5_writer.h"
#include "reprise/song_set_writer.h"

namespace reprise {

/// The root attributes of a song set. Reading throws Error where the file is none, or of another
/// version; the type is not among the attributes and left as it is.
SongSetInfo read_song_set_attributes(const hdf5::Reader& file);
void write_song_set_attributes(hdf5::Writer& file, const SongSetInfo& info);

}  // namespace reprise
