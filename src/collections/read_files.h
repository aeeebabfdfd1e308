#pragma once

#include <functional>
#include <string>
#include <vector>

#include "collections/song_files.h"
#include "reprise/readers.h"

namespace reprise {

/// The chroma [frames, 12] of a song's file. Throws Error.
using LoadChroma = std::function<std::vector<float>(const std::string& path)>;

/// Reads every song's file; one that is missing or damaged is left out, and the others go on.
void read_files(const SongSetInfo& info, const std::vector<SongFile>& files, const LoadChroma& load,
                SongSink& sink);

}  // namespace reprise
