#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace reprise {

/// An open SQLite file. Every failure is an Error that names the file.
class Database {
 public:
  enum class Mode : std::uint8_t { read, write, create };

  /// The path of a database without a file, to be created.
  static constexpr const char* kInMemory = ":memory:";

  /// `wait_seconds`: how long a lock held by another program is waited for. `create` makes an empty
  /// file. Throws Error where the file is missing, is not SQLite, or may not be written.
  Database(const std::string& path, Mode mode, double wait_seconds);

  const std::string& path() const { return path_; }

  /// Statements that give no row, separated by semicolons.
  void run(const std::string& sql);
  /// The single value of a query.
  std::int64_t integer(const std::string& sql);
  std::string text(const std::string& sql);
  std::int64_t last_row() const;

  /// Throws the Error that a result code of SQLite stands for.
  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  std::string path_;
  double wait_seconds_;
  std::unique_ptr<sqlite3, Closer> handle_;
};

/// A prepared statement, to be run many times. Parameters and columns count from 0.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  // Texts and bytes are not copied: they must last until the statement has run.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view value);
  Statement& bind(int at, std::span<const std::uint8_t> value);

  /// True while there is a row to read; after the last one the statement can run again.
  bool step();
  /// Runs a statement that gives no row.
  void run();
  /// Ends a run before its last row.
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  // Valid until the next step.
  std::string_view text(int column) const;
  std::span<const std::uint8_t> bytes(int column) const;

 private:
  struct Finaliser {
    void operator()(sqlite3_stmt* statement) const;
  };
  void check(int code) const;

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finaliser> statement_;
};

/// All or nothing: what is written before commit() is undone where it is not reached. Waits for
/// another writer to finish.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace reprise
