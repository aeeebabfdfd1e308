#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "reprise/readers.h"

namespace reprise {

/// Settings of an import.
struct ImportOptions {
  std::string out;                   ///< song set to write
  std::string split;                 ///< assigned to all songs; empty: as in the source
  std::string divide;                ///< percentages of works "train/validation/test"; or empty
  std::uint64_t seed = 0;            ///< random seed of divisions
  std::optional<ChromaType> type{};  ///< storage of chroma; none: the reader's default
  std::string report;                ///< file that lists skipped songs; or empty
};

/// Progress of an import.
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

/// The outcome for one song.
struct ImportEvent {
  std::optional<LeftOut> left_out{};  ///< empty: imported
  std::string song_id, work_id;
  std::string detail;  ///< a few words on its contents, or why it was skipped
};

/// "missing", "damaged" or "duplicate".
std::string_view name_of(LeftOut why);

/// Called for each song; may be empty.
using ImportObserver = std::function<void(const ImportEvent&, const ImportCounts&)>;

/// Imports songs one at a time, in constant memory. Missing, damaged (no frames, NaN, ...) and
/// duplicate songs are skipped and counted. Throws Error, also if no song was imported; no file is
/// left behind then.
ImportCounts import_songs(const Reader& reader, const ReaderValues& values,
                          const ImportOptions& options, ReadContext context = {},
                          const ImportObserver& observer = {});

}  // namespace reprise
