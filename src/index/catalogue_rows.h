#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/sqlite.h"
#include "reprise/catalogue.h"

// How songs, vectors and chroma are written in the rows of a catalogue, and read back checked.
namespace reprise {

/// The tables beside `songs` that hold rows of bytes: each song has one in the first two, and one
/// in the third or fourth.
inline constexpr const char* kByteTables[] = {"codes", "vectors", "chroma", "queries"};

/// A row of such a table.
struct Packed {
  double scale = 1;
  std::vector<std::uint8_t> bytes;
};

/// int8 values: round(value / scale), scale = largest magnitude / 127.
Packed pack_codes(std::span<const float> vector);
/// float32 values.
Packed pack_vector(std::span<const float> vector);
/// uint8 values, 255 standing for the song's peak, deflated.
Packed pack_chroma(const SongSet& set, std::int64_t song);

/// Of a song in several keys: a byte of its roll for each, then their int8 values.
Packed pack_queries(const Fingerprints& queries, std::int64_t song);

/// Appends a song to fingerprints that have `keys` and `dims`; false, and nothing is appended,
/// where the bytes are not that many.
bool unpack_queries(double scale, std::span<const std::uint8_t> bytes, Fingerprints& queries);

/// chroma [frames, width] as bytes, each to be multiplied by the row's scale; nothing where the
/// bytes are not that many frames.
std::optional<std::vector<std::uint8_t>> unpack_chroma(std::span<const std::uint8_t> bytes,
                                                       std::int64_t frames, int width);

/// A row of `songs`.
struct SongRow {
  CatalogueSong song;
  std::int64_t checksum = 0;  ///< as stored
};

std::int64_t checksum_of(const CatalogueSong& song);
std::int64_t checksum_of(std::int64_t number, double scale, std::span<const std::uint8_t> bytes);

/// Reads `songs`, all or with a condition to append.
inline constexpr const char* kSelectSongs =
    "SELECT number, song_id, work_id, title, artist, frames, roll, frames_per_second, checksum "
    "FROM songs ";
/// The row a statement that begins with kSelectSongs stands at. Throws Error where it is damaged.
SongRow song_row(const Statement& row, const std::string& path);

/// The row a statement of (number, scale, bytes, checksum) stands at, valid until its next step.
struct ByteRow {
  std::int64_t number;
  double scale;
  std::span<const std::uint8_t> bytes;
  std::int64_t checksum;
};
/// Throws Error where the row is damaged.
ByteRow byte_row(const Statement& row, const std::string& table, const std::string& path);

/// The single row of `totals`: so many songs, and the sum of all checksums of their rows modulo
/// 2^64. A row that is lost or left over whole shows here.
struct Totals {
  std::int64_t songs = 0;
  std::uint64_t digest = 0;
};
Totals read_totals(Database& database);
void write_totals(Database& database, const Totals& totals);

/// The single row of `model`.
struct ModelRow {
  ModelIdentity identity;
  Model model;
  bool keeps_chroma = true;
};
ModelRow read_model_row(Database& database);
/// In place of the one there is. bytes: of the model's file.
void write_model_row(Database& database, const ModelRow& row, std::span<const std::uint8_t> bytes);

}  // namespace reprise
