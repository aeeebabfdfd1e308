#pragma once

#include <span>

#include "io/sqlite.h"

namespace reprise {

/// The steps that lead from an empty file to the tables of today, each the statements that lead to
/// the version after it. A released step never changes; a new version appends one.
std::span<const char* const> catalogue_migrations();

/// Brings a file to the version that `steps` lead to, in one transaction. `user_version` counts the
/// steps it has taken.
void migrate(Database& database, std::span<const char* const> steps);

/// Opens a file that is a catalogue, in the tables of today. Throws Error for any other.
Database open_catalogue(const std::string& path, Database::Mode mode, double wait_seconds);

/// Makes an empty file a catalogue.
void create_catalogue_tables(Database& database);

}  // namespace reprise
