#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "core/text.h"
#include "index/catalogue_rows.h"
#include "index/catalogue_schema.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"

namespace reprise {
namespace {

// A badly damaged file would have one for every song.
constexpr std::size_t kMostProblems = 100;

class Verification {
 public:
  explicit Verification(Database& database) : database_(database) {}

  std::vector<std::string> run() {
    attempt([&] { check_length(); });
    attempt([&] { check_structure(); });
    attempt([&] {
      const Model model = read_model_row(database_).model;
      dims_ = static_cast<std::size_t>(model.dims());
      keys_ = static_cast<std::size_t>(model.config.query_keys);
      width_ = model.config.width();
    });
    attempt([&] { check_songs(); });
    for (const std::string table : kByteTables) attempt([&] { check_bytes(table); });
    attempt([&] { check_totals(); });
    return std::move(problems_);
  }

 private:
  template <class Check>
  void attempt(const Check& check) {
    try {
      check();
    } catch (const Error& error) {
      report(error.what());
    }
  }
  void report(const std::string& problem) {
    if (problems_.size() < kMostProblems) problems_.push_back(problem);
  }

  /// SQLite takes what is missing at the end of a page for zeros.
  void check_length() {
    std::error_code none;
    const auto log_bytes = std::filesystem::file_size(database_.path() + "-wal", none);
    if (!none && log_bytes > 0) return;  // what it holds is still to be written to the file
    const auto expected = static_cast<std::uintmax_t>(database_.integer("PRAGMA page_count") *
                                                      database_.integer("PRAGMA page_size"));
    if (const auto found = std::filesystem::file_size(database_.path()); found < expected)
      report(fmt::format("{}: expected {} bytes, found {}: the file is cut", database_.path(),
                         expected, found));
  }

  /// SQLite's own view: pages, trees, the index of ids, references.
  void check_structure() {
    for (const char* check : {"integrity_check", "foreign_key_check"}) {
      Statement statement(database_, fmt::format("PRAGMA {}", check));
      while (statement.step())
        if (statement.text(0) != "ok") {
          std::string line(statement.text(0));
          std::replace(line.begin(), line.end(), '\n', ' ');
          report(fmt::format("{}: {}: {}", database_.path(), check, line));
        }
    }
  }

  void check_songs() {
    Statement statement(database_, std::string(kSelectSongs) + "ORDER BY number");
    while (statement.step())
      attempt([&] {
        ++found_.songs;
        const SongRow row = song_row(statement, database_.path());
        found_.digest += static_cast<std::uint64_t>(row.checksum);
      });
  }

  void check_bytes(const std::string& table) {
    Statement statement(
        database_, fmt::format("SELECT t.number, t.scale, t.bytes, t.checksum, s.frames FROM {} t "
                               "JOIN songs s USING(number) ORDER BY t.number",
                               table));
    while (statement.step())
      attempt([&] {
        const ByteRow row = byte_row(statement, table, database_.path());
        found_.digest += static_cast<std::uint64_t>(row.checksum);
        if (!has_its_size(table, row, statement.integer(4)))
          throw InputError(fmt::format("{}: {} of song {}: found a wrong size", database_.path(),
                                       table, row.number));
      });
  }

  bool has_its_size(const std::string& table, const ByteRow& row, std::int64_t frames) const {
    if (table == "chroma") return unpack_chroma(row.bytes, frames, width_).has_value();
    if (table == "queries") return row.bytes.size() == keys_ * (1 + dims_);
    return row.bytes.size() == dims_ * (table == "vectors" ? sizeof(float) : 1);
  }

  /// Every row is there once, and no other.
  void check_totals() {
    const Totals expected = read_totals(database_);
    if (expected.songs != found_.songs || expected.digest != found_.digest)
      report(fmt::format("{}: expected {} songs of digest {:016x}, found {} of {:016x}",
                         database_.path(), expected.songs, expected.digest, found_.songs,
                         found_.digest));
  }

  Database& database_;
  std::size_t dims_ = 0, keys_ = 0;
  int width_ = kPitchClasses;
  Totals found_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> verify_catalogue(const std::string& path) {
  constexpr double kWaitSeconds = 30;
  Database database = open_catalogue(path, Database::Mode::read, kWaitSeconds);
  database.run("BEGIN");  // one state, whatever is written meanwhile
  return Verification(database).run();
}

}  // namespace reprise
