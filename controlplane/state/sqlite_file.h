// SPDX-License-Identifier: BSD-3-Clause
// How the control plane opens its files of what must last.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>

namespace dam::control {

inline constexpr const char* kSqliteInMemory = ":memory:";

// Makes the folder (0750) and the file (0600). ":memory:": none. Throws SQLite::Exception.
SQLite::Database open_sqlite_file(const std::filesystem::path& file);

// Write-ahead log, synchronous=FULL, one process at a time; tables of `version` (PRAGMA
// user_version) are made by `sql` where there are none. Throws std::exception, in words.
void prepare_sqlite_file(SQLite::Database& database, int version, const char* sql);

}  // namespace dam::control
