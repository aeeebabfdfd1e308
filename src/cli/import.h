#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "cli/commands.h"
#include "collections/division.h"
#include "reprise/song_set_writer.h"

namespace reprise::cli {

// The kinds of `reprise import KIND`.
void add_import_audio(CLI::App& import, Action& action);
void add_import_shs(CLI::App& import, Action& action);
void add_import_features(CLI::App& import, Action& action);  // da-tacos, acoss, cover-id, csv, ...

/// What every kind of import is told.
struct ImportOptions {
  std::string out;
  std::string split;
  std::string divide;
  std::uint64_t seed = 0;
  std::string type = "float32";
  std::string report;
  bool verbose = false;

  void add_to(CLI::App& command);
};

/// One import under way: songs go into the set, and what does not is counted, and listed on
/// request; a missing or damaged file is no reason to stop. The first damaged ones are named on
/// standard error.
class Import {
 public:
  /// `info` is what the set says of all its songs; its type is taken from the options. `expected`
  /// songs are under way, for the progress line. A split that the source itself gives wins over
  /// none, and --split and --divide win over it.
  Import(const ImportOptions& options, SongSetInfo info, std::int64_t expected);

  /// Adds a song; an empty split stands for the one of the options, or test. Damage in it (no
  /// frames, NaN, an id that is there already) is counted as skip() does.
  /// `path` is the song's own file, for messages; --verbose shows `detail` with it.
  void add(SongInfo song, std::span<const float> chroma, const std::string& path = {},
           const std::string& detail = {});

  enum class Why : std::uint8_t { missing, damaged, duplicate };
  void skip(Why why, const std::string& song_id, const std::string& work_id,
            const std::string& detail);

  /// Writes the set and the report, and says what was done. Throws Error where there is no song.
  void finish();

 private:
  void list(const std::string& line);
  void show();

  ImportOptions options_;
  std::optional<Division> division_;
  SongSetWriter writer_;
  std::string chroma_source_;
  std::int64_t expected_;
  std::unordered_set<std::string> ids_;
  std::int64_t counts_[3] = {};
  std::string first_[3];  // detail of the first of each why
  std::string report_ = "status\tsong_id\twork_id\tdetail\n";
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace reprise::cli
