// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/state_file.h"

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

}  // namespace

StateFile::StateFile(const std::filesystem::path& file) try : sqlite_(open_sqlite_file(file)) {
  prepare_sqlite_file(sqlite_, kTrustSchema, kTrustTables);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

}  // namespace dam::control
