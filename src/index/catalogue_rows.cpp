#include "index/catalogue_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/checksum.h"
#include "core/text.h"
#include "io/deflate.h"
#include "reprise/error.h"

namespace reprise {
namespace {

[[noreturn]] void fail_damaged(const std::string& path, const std::string& what) {
  throw InputError(
      fmt::format("{}: {}: expected the checksum of its contents, found another: the file "
                  "is damaged",
                  path, what));
}

// SQLite's integers are signed.
std::int64_t stored(const Checksum& checksum) {
  return static_cast<std::int64_t>(checksum.value());
}

std::int64_t checksum_of(const Totals& totals) {
  return stored(Checksum().add(totals.songs).add(static_cast<std::int64_t>(totals.digest)));
}

std::int64_t checksum_of(const ModelIdentity& identity, std::string_view config,
                         std::span<const std::uint8_t> bytes, std::int64_t chroma) {
  Checksum checksum;
  checksum.add(identity.name).add(config).add(identity.config).add(identity.weights).add(bytes);
  // Catalogues of version 1 all kept chroma, and their checksum was that of the rest.
  if (chroma != 1) checksum.add(chroma);
  return stored(checksum);
}

}  // namespace

Packed pack_codes(std::span<const float> vector) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::abs(value));
  Packed packed{largest / 127.0, std::vector<std::uint8_t>(vector.size())};
  if (largest > 0)
    std::transform(vector.begin(), vector.end(), packed.bytes.begin(), [&](float value) {
      return static_cast<std::uint8_t>(static_cast<std::int8_t>(std::lround(value / packed.scale)));
    });
  return packed;
}

Packed pack_vector(std::span<const float> vector) {
  Packed packed{1, std::vector<std::uint8_t>(vector.size_bytes())};
  std::memcpy(packed.bytes.data(), vector.data(), vector.size_bytes());
  return packed;
}

Packed pack_chroma(const SongSet& set, std::int64_t song) {
  const void* chroma = set.chroma_of(song).data;
  const auto count = static_cast<std::size_t>(set.frames(song) * set.width());
  if (set.type == ChromaType::uint8)
    return {1 / 255.0, deflate({static_cast<const std::uint8_t*>(chroma), count})};
  const std::span values(static_cast<const float*>(chroma), count);
  const double scale = *std::max_element(values.begin(), values.end()) / 255.0;
  std::vector<std::uint8_t> bytes(count);
  if (scale > 0)
    std::transform(values.begin(), values.end(), bytes.begin(), [&](float value) {
      return static_cast<std::uint8_t>(std::lround(value / scale));
    });
  return {scale, deflate(bytes)};
}

Packed pack_queries(const Fingerprints& queries, std::int64_t song) {
  const auto row = static_cast<std::size_t>(queries.keys) * queries.dims;
  Packed packed = pack_codes(std::span(queries.values).subspan(song * row, row));
  const auto rolls = std::span(queries.rolls).subspan(song * queries.keys, queries.keys);
  packed.bytes.insert(packed.bytes.begin(), rolls.begin(), rolls.end());
  return packed;
}

bool unpack_queries(double scale, std::span<const std::uint8_t> bytes, Fingerprints& queries) {
  const auto keys = static_cast<std::size_t>(queries.keys);
  if (bytes.size() != keys * (1 + static_cast<std::size_t>(queries.dims))) return false;
  queries.rolls.insert(queries.rolls.end(), bytes.begin(), bytes.begin() + queries.keys);
  for (const std::uint8_t code : bytes.subspan(keys))
    queries.values.push_back(static_cast<float>(static_cast<std::int8_t>(code) * scale));
  ++queries.songs;
  return true;
}

std::optional<std::vector<std::uint8_t>> unpack_chroma(std::span<const std::uint8_t> bytes,
                                                       std::int64_t frames, int width) {
  std::int64_t count = 0;
  if (__builtin_mul_overflow(frames, width, &count)) return std::nullopt;
  return inflate(bytes, count);
}

std::int64_t checksum_of(const CatalogueSong& song) {
  Checksum checksum;
  checksum.add(song.number)
      .add(song.song_id)
      .add(song.work_id)
      .add(song.title)
      .add(song.artist)
      .add(song.frames)
      .add(std::int64_t{song.roll});
  // Catalogues before version 3 knew of no rate, and their checksum was that of the rest.
  if (song.frames_per_second != 0) checksum.add(song.frames_per_second);
  return stored(checksum);
}

std::int64_t checksum_of(std::int64_t number, double scale, std::span<const std::uint8_t> bytes) {
  return stored(Checksum().add(number).add(scale).add(bytes));
}

SongRow song_row(const Statement& row, const std::string& path) {
  SongRow found;
  found.song.number = row.integer(0);
  found.song.song_id = row.text(1);
  found.song.work_id = row.text(2);
  found.song.title = row.text(3);
  found.song.artist = row.text(4);
  found.song.frames = row.integer(5);
  found.song.roll = static_cast<int>(row.integer(6));
  found.song.frames_per_second = row.real(7);
  found.checksum = row.integer(8);
  if (checksum_of(found.song) != found.checksum)
    fail_damaged(path, fmt::format("song {} {}", found.song.number, quote(found.song.song_id)));
  return found;
}

ByteRow byte_row(const Statement& row, const std::string& table, const std::string& path) {
  const ByteRow found{row.integer(0), row.real(1), row.bytes(2), row.integer(3)};
  if (checksum_of(found.number, found.scale, found.bytes) != found.checksum)
    fail_damaged(path, fmt::format("{} of song {}", table, found.number));
  return found;
}

Totals read_totals(Database& database) {
  Statement row(database, "SELECT songs, digest, checksum FROM totals WHERE id = 1");
  if (!row.step())
    throw InputError(fmt::format("{}: expected a row of totals, found none", database.path()));
  const Totals totals{row.integer(0), static_cast<std::uint64_t>(row.integer(1))};
  if (checksum_of(totals) != row.integer(2)) fail_damaged(database.path(), "totals");
  return totals;
}

void write_totals(Database& database, const Totals& totals) {
  Statement statement(database,
                      "INSERT OR REPLACE INTO totals(id, songs, digest, checksum) "
                      "VALUES(1, ?, ?, ?)");
  statement.bind(0, totals.songs)
      .bind(1, static_cast<std::int64_t>(totals.digest))
      .bind(2, checksum_of(totals))
      .run();
}

ModelRow read_model_row(Database& database) {
  const std::string& path = database.path();
  Statement row(
      database,
      "SELECT name, config, config_hash, weights_hash, bytes, checksum, chroma FROM model "
      "WHERE id = 1");
  if (!row.step()) throw InputError(fmt::format("{}: expected a model, found none", path));
  ModelRow found;
  found.identity = {std::string(row.text(0)), std::string(row.text(2)), std::string(row.text(3))};
  const std::span<const std::uint8_t> bytes = row.bytes(4);
  found.keeps_chroma = row.integer(6) != 0;
  if (checksum_of(found.identity, row.text(1), bytes, row.integer(6)) != row.integer(5))
    fail_damaged(path, "model");
  found.model = parse_model({bytes.begin(), bytes.end()}, path);
  const auto computed = ModelIdentity::of(found.model, found.identity.name);
  if (!computed.same(found.identity))
    throw InputError(fmt::format(
        "{}: model: expected configuration {} and weights {}, found {} and {}", path,
        found.identity.config, found.identity.weights, computed.config, computed.weights));
  return found;
}

void write_model_row(Database& database, const ModelRow& row, std::span<const std::uint8_t> bytes) {
  const ModelIdentity& identity = row.identity;
  const std::string config = row.model.config.to_json();
  const std::int64_t chroma = row.keeps_chroma ? 1 : 0;
  Statement statement(
      database,
      "INSERT OR REPLACE INTO model(id, name, config, config_hash, weights_hash, bytes, "
      "checksum, chroma) VALUES(1, ?, ?, ?, ?, ?, ?, ?)");
  statement.bind(0, identity.name)
      .bind(1, config)
      .bind(2, identity.config)
      .bind(3, identity.weights)
      .bind(4, bytes)
      .bind(5, checksum_of(identity, config, bytes, chroma))
      .bind(6, chroma)
      .run();
}

}  // namespace reprise
