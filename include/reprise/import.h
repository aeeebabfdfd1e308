#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "reprise/readers.h"

namespace reprise {

/// How a collection becomes a song set.
struct ImportOptions {
  std::string out;                   ///< song set to write
  std::string split;                 ///< of all songs, in place of what the source says; or empty
  std::string divide;                ///< per cent of the works "train/validation/test"; or empty
  std::uint64_t seed = 0;            ///< random seed of divisions
  std::optional<ChromaType> type{};  ///< how chroma is kept; none: as the reader says
  std::string report;                ///< file to list the songs in that were left out; or empty
};

/// How far an import has come.
struct ImportCounts {
  std::int64_t expected = 0;  ///< songs
  std::int64_t songs = 0;     ///< imported
  std::int64_t frames = 0;
  std::int64_t missing = 0;
  std::int64_t damaged = 0;
  std::int64_t duplicates = 0;
  double audio_seconds = 0;   ///< of the audio imported
  std::string chroma_source;  ///< see SongSet
};

/// What became of a song.
struct ImportEvent {
  std::optional<LeftOut> left_out{};  ///< none: it was imported
  std::string song_id, work_id;
  std::string detail;  ///< what was found, or why it was left out
};

/// "missing", "damaged" or "duplicate".
std::string_view name_of(LeftOut why);

/// Told of each song; may be empty.
using ImportObserver = std::function<void(const ImportEvent&, const ImportCounts&)>;

/// Reads songs into a song set, song by song in little memory. Songs that are missing, damaged (no
/// frames, NaN, ...) or there already are counted. Throws SettingsError, and Error where no song
/// was imported; then no file is left.
ImportCounts import_songs(const Reader& reader, const ReaderValues& values,
                          const ImportOptions& options, ReadContext context = {},
                          const ImportObserver& observer = {});

}  // namespace reprise
