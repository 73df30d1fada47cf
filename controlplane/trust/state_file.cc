// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/state_file.h"

#include <sys/stat.h>

#include <stdexcept>

namespace dam::control {

namespace {

constexpr int kTrustSchema = 1;  // PRAGMA user_version
// A status of 0: the change had begun, and how it ended was never written.
constexpr const char* kTrustTables = R"(
  CREATE TABLE client (
    fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL) STRICT;
  CREATE TABLE token (
    name TEXT PRIMARY KEY, digest TEXT NOT NULL, role TEXT NOT NULL, added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER NOT NULL) STRICT;
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL, address TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, what TEXT NOT NULL) STRICT;
  CREATE TABLE refused (
    number INTEGER PRIMARY KEY AUTOINCREMENT, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    times INTEGER NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL, status INTEGER NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL) STRICT;
)";

SQLite::Database open_private(const std::filesystem::path& file) {
  const int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
  if (file == StateFile::kInMemory) return {file.string(), flags};
  const mode_t before = umask(0027);
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  umask(0077);
  try {
    SQLite::Database made(file.string(), flags);
    umask(before);
    return made;
  } catch (...) {
    umask(before);
    throw;
  }
}

// Writes nothing into a file that is as it should be: a full disk must not hide what is in it.
void make_tables(SQLite::Database& database) {
  database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
  const int schema = database.execAndGet("PRAGMA user_version").getInt();
  if (schema == kTrustSchema) return;
  if (schema > kTrustSchema) {
    throw std::runtime_error("it was written by a newer Traffic Dam (version " +
                             std::to_string(schema) + " of its tables): start that one");
  }
  SQLite::Transaction whole(database);
  database.exec(kTrustTables);
  database.exec("PRAGMA user_version=" + std::to_string(kTrustSchema));
  whole.commit();
}

}  // namespace

StateFile::StateFile(const std::filesystem::path& file) try : sqlite_(open_private(file)) {
  make_tables(sqlite_);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

}  // namespace dam::control
