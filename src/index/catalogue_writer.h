#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <vector>

#include "index/catalogue_rows.h"
#include "io/sqlite.h"

namespace reprise {

/// Writes and removes the rows of songs within a transaction, and keeps the totals of them.
class CatalogueWriter {
 public:
  CatalogueWriter(Database& database, bool keeps_chroma)
      : database_(database),
        totals_(read_totals(database)),
        insert_song_(database,
                     "INSERT INTO songs(song_id, work_id, title, artist, frames, roll, checksum, "
                     "number, frames_per_second) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        last_song_(database, "SELECT max(number) FROM songs"),
        delete_song_(database, "DELETE FROM songs WHERE number = ?"),
        checksums_(database,
                   "SELECT s.checksum, c.checksum, v.checksum, h.checksum, q.checksum FROM songs s "
                   "LEFT JOIN codes c USING(number) LEFT JOIN vectors v USING(number) "
                   "LEFT JOIN chroma h USING(number) LEFT JOIN queries q USING(number) "
                   "WHERE number = ?") {
    for (const char* table : {"codes", "vectors", keeps_chroma ? "chroma" : "queries"})
      insert_bytes_.emplace_back(
          database,
          fmt::format("INSERT INTO {}(number, scale, bytes, checksum) VALUES(?, ?, ?, ?)", table));
    next_ = last_song_.step() ? last_song_.integer(0) + 1 : 1;
    last_song_.reset();
  }

  std::int64_t next_number() { return next_++; }

  /// packed: codes, vector, and chroma or queries.
  void insert(const CatalogueSong& song, std::span<const Packed, 3> packed) {
    const std::int64_t checksum = checksum_of(song);
    insert_song_.bind(0, song.song_id)
        .bind(1, song.work_id)
        .bind(2, song.title)
        .bind(3, song.artist)
        .bind(4, song.frames)
        .bind(5, std::int64_t{song.roll})
        .bind(6, checksum)
        .bind(7, song.number)
        .bind(8, song.frames_per_second)
        .run();
    totals_.digest += static_cast<std::uint64_t>(checksum);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      const std::span<const std::uint8_t> bytes = packed[i].bytes;
      const std::int64_t sum = checksum_of(song.number, packed[i].scale, bytes);
      insert_bytes_[i]
          .bind(0, song.number)
          .bind(1, packed[i].scale)
          .bind(2, bytes)
          .bind(3, sum)
          .run();
      totals_.digest += static_cast<std::uint64_t>(sum);
    }
    ++totals_.songs;
  }

  void remove(std::int64_t number) {
    checksums_.bind(0, number);
    if (checksums_.step())
      for (int i = 0; i < 5; ++i)
        totals_.digest -= static_cast<std::uint64_t>(checksums_.integer(i));
    checksums_.reset();
    delete_song_.bind(0, number).run();
    --totals_.songs;
  }

  /// Writes the totals; the transaction is the caller's to commit.
  void finish() { write_totals(database_, totals_); }

 private:
  Database& database_;
  Totals totals_;
  Statement insert_song_, last_song_, delete_song_, checksums_;
  std::vector<Statement> insert_bytes_;
  std::int64_t next_ = 1;
};

}  // namespace reprise
