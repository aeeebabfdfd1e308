#include "index/catalogue_schema.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>

#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::int64_t kApplicationId = 0x52505253;  // "RPRS"

// Pages of 16 KiB hold several whole rows of a fingerprint of some hundred values; with SQLite's
// usual 4 KiB a quarter of the file would be left over at their ends.
constexpr int kPageBytes = 16384;

// What is read together lies together: a search passes over `songs` and `vectors` and touches
// nothing else. In codes, vectors, chroma and queries a value is `scale` times what `bytes` hold.
constexpr const char* kVersion1 = R"(
CREATE TABLE model(
  id INTEGER PRIMARY KEY CHECK(id = 1), name TEXT NOT NULL, config TEXT NOT NULL,
  config_hash TEXT NOT NULL, weights_hash TEXT NOT NULL, bytes BLOB NOT NULL,
  checksum INTEGER NOT NULL) STRICT;
CREATE TABLE songs(
  number INTEGER PRIMARY KEY, song_id TEXT NOT NULL UNIQUE, work_id TEXT NOT NULL,
  title TEXT NOT NULL, artist TEXT NOT NULL, frames INTEGER NOT NULL, roll INTEGER NOT NULL,
  checksum INTEGER NOT NULL) STRICT;
CREATE TABLE codes(
  number INTEGER PRIMARY KEY REFERENCES songs ON DELETE CASCADE, scale REAL NOT NULL,
  bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE vectors(
  number INTEGER PRIMARY KEY REFERENCES songs ON DELETE CASCADE, scale REAL NOT NULL,
  bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE chroma(
  number INTEGER PRIMARY KEY REFERENCES songs ON DELETE CASCADE, scale REAL NOT NULL,
  bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE totals(
  id INTEGER PRIMARY KEY CHECK(id = 1), songs INTEGER NOT NULL, digest INTEGER NOT NULL,
  checksum INTEGER NOT NULL) STRICT;
)";

// Chroma is optional: where `model` says 0, songs have a row in `queries` instead of `chroma`.
constexpr const char* kVersion2 = R"(
ALTER TABLE model ADD COLUMN chroma INTEGER NOT NULL DEFAULT 1;
CREATE TABLE queries(
  number INTEGER PRIMARY KEY REFERENCES songs ON DELETE CASCADE, scale REAL NOT NULL,
  bytes BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
)";

// Of songs added before, the rate is not known.
constexpr const char* kVersion3 = R"(
ALTER TABLE songs ADD COLUMN frames_per_second REAL NOT NULL DEFAULT 0;
)";

constexpr std::array<const char*, 3> kMigrations{kVersion1, kVersion2, kVersion3};

/// Name and definition of every table.
std::map<std::string, std::string> tables_of(Database& database) {
  std::map<std::string, std::string> tables;
  Statement statement(database,
                      "SELECT name, type || ' ' || tbl_name || ' ' || sql FROM sqlite_schema "
                      "WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'");
  while (statement.step())
    tables.emplace(std::string(statement.text(0)), std::string(statement.text(1)));
  return tables;
}

/// As they are in a catalogue made by this program.
const std::map<std::string, std::string>& expected_tables() {
  static const auto tables = [] {
    Database memory(Database::kInMemory, Database::Mode::create, 0);
    migrate(memory, kMigrations);
    return tables_of(memory);
  }();
  return tables;
}

}  // namespace

std::span<const char* const> catalogue_migrations() {
  return kMigrations;
}

void migrate(Database& database, std::span<const char* const> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  if (database.integer("PRAGMA user_version") == newest) return;
  Transaction transaction(database);
  // Read again now that no other program can be migrating too.
  for (std::int64_t version = database.integer("PRAGMA user_version"); version < newest; ++version)
    database.run(steps[static_cast<std::size_t>(version)]);
  database.run(fmt::format("PRAGMA user_version = {}", newest));
  transaction.commit();
}

Database open_catalogue(const std::string& path, Database::Mode mode, double wait_seconds) {
  Database database(path, mode, wait_seconds);
  const std::int64_t application = database.integer("PRAGMA application_id");
  if (application != kApplicationId)
    throw InputError(
        fmt::format("{}: expected a Reprise catalogue, found another SQLite file", path));
  const std::int64_t newest = kMigrations.size();
  const std::int64_t version = database.integer("PRAGMA user_version");
  if (version < 1 || version > newest)
    throw InputError(fmt::format("{}: expected a catalogue of version 1 to {}, found version {}",
                                 path, newest, version));
  if (version < newest) {
    try {
      Database writer(path, Database::Mode::write, wait_seconds);
      migrate(writer, kMigrations);
    } catch (const Error& error) {
      throw MachineError(
          fmt::format("{} (a catalogue of version {} is brought up to {} when it is opened)",
                      error.what(), version, newest));
    }
  }
  if (tables_of(database) != expected_tables())
    throw InputError(fmt::format(
        "{}: expected the tables of a catalogue of version {}, found others", path, newest));
  return database;
}

void create_catalogue_tables(Database& database) {
  database.run(
      fmt::format("PRAGMA page_size = {}; PRAGMA application_id = {}", kPageBytes, kApplicationId));
  migrate(database, kMigrations);
}

}  // namespace reprise
