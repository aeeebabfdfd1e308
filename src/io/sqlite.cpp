#include "io/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);

std::string folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

/// SQLite takes any file for an empty or damaged database: look before it does.
void check_magic(const std::string& path) {
  struct stat status {};
  std::ifstream file(path, std::ios::binary);
  if (!file || ::stat(path.c_str(), &status) != 0)
    throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw InputError(fmt::format("{}: expected a file, found something else", path));
  char start[kMagic.size()] = {};
  file.read(start, sizeof start);
  if (std::string_view(start, sizeof start) != kMagic)
    throw InputError(fmt::format("{}: expected an SQLite file, found {}", path,
                                 status.st_size == 0 ? "an empty file" : "something else"));
}

void check_writable(const std::string& path) {
  for (const std::string& place : {path, folder_of(path)})
    if (::access(place.c_str(), W_OK) != 0)
      throw MachineError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
}

/// Whether the file can be read only where it lies, with no other program writing it: then SQLite
/// must not try to make its lock files beside it.
bool is_immutable(const std::string& path) {
  std::error_code none;
  const auto log_bytes = std::filesystem::file_size(path + "-wal", none);
  return ::access(folder_of(path).c_str(), W_OK) != 0 && (none || log_bytes == 0);
}

std::string uri_of(const std::string& path, bool immutable) {
  if (path == Database::kInMemory) return path;
  // An absolute path, as two slashes at the start of a relative one would name a host.
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string())
    uri += std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '.'
               ? std::string(1, c)
               : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return uri + (immutable ? "?immutable=1" : "");
}

}  // namespace

void Database::Closer::operator()(sqlite3* handle) const {
  ::sqlite3_close_v2(handle);
}

Database::Database(const std::string& path, Mode mode, double wait_seconds)
    : path_(path), wait_seconds_(wait_seconds) {
  if (mode != Mode::create) check_magic(path);
  if (mode == Mode::write) check_writable(path);
  const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    SQLITE_OPEN_READWRITE | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(uri_of(path, mode == Mode::read && is_immutable(path)).c_str(),
                                     &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code);
  ::sqlite3_busy_timeout(handle, static_cast<int>(wait_seconds * 1000));
  // What the file says about itself is not trusted to run code or to hide damage.
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  run("PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
  // A reader may tidy up after a killed writer, so it opens the file like one; it changes no row.
  if (mode == Mode::read) run("PRAGMA query_only = ON");
}

void Database::run(const std::string& sql) {
  const int code = ::sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::integer(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

std::int64_t Database::last_row() const {
  return ::sqlite3_last_insert_rowid(handle_.get());
}

void Database::fail(int code) const {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw MachineError(
          fmt::format("{}: expected to write within {:g} s, found another program writing", path_,
                      wait_seconds_));
    case SQLITE_FULL:
      throw MachineError(fmt::format("{}: cannot write: the disk is full", path_));
    case SQLITE_READONLY:
      throw MachineError(
          fmt::format("{}: cannot write: the file or its folder is read-only", path_));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      throw InputError(fmt::format("{}: expected a whole SQLite file, found a damaged one", path_));
    case SQLITE_NOMEM:
      throw std::bad_alloc();
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
      const int error = ::sqlite3_system_errno(handle_.get());
      throw MachineError(fmt::format("{}: cannot read or write: {}", path_,
                                     error != 0 ? std::strerror(error) : ::sqlite3_errstr(code)));
    }
    default:
      throw InternalError(fmt::format("{}: SQLite: {}", path_, ::sqlite3_errmsg(handle_.get())));
  }
}

void Statement::Finaliser::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* statement = nullptr;
  check(::sqlite3_prepare_v3(database.handle_.get(), sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  statement_.reset(statement);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_->fail(code);
}

Statement& Statement::bind(int at, std::int64_t value) {
  check(::sqlite3_bind_int64(statement_.get(), at + 1, value));
  return *this;
}

Statement& Statement::bind(int at, double value) {
  check(::sqlite3_bind_double(statement_.get(), at + 1, value));
  return *this;
}

// A null pointer would be bound as NULL, so empty values point somewhere.
Statement& Statement::bind(int at, std::string_view value) {
  check(::sqlite3_bind_text64(statement_.get(), at + 1, value.empty() ? "" : value.data(),
                              value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int at, std::span<const std::uint8_t> value) {
  check(::sqlite3_bind_blob64(statement_.get(), at + 1,
                              value.empty() ? static_cast<const void*>("") : value.data(),
                              value.size(), SQLITE_STATIC));
  return *this;
}

bool Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  reset();
  if (code != SQLITE_DONE) database_->fail(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  ::sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return ::sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), column));
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(size));
}

std::span<const std::uint8_t> Statement::bytes(int column) const {
  const auto* bytes =
      static_cast<const std::uint8_t*>(::sqlite3_column_blob(statement_.get(), column));
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::span<const std::uint8_t>()
                          : std::span(bytes, static_cast<std::size_t>(size));
}

Transaction::Transaction(Database& database) : database_(database) {
  database.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite has already rolled back after a failure such as a full disk.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace reprise
