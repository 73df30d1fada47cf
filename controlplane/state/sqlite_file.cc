// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/sqlite_file.h"

#include <sys/stat.h>

#include <stdexcept>
#include <string>

namespace dam::control {

SQLite::Database open_sqlite_file(const std::filesystem::path& file) {
  if (file == ":memory:") return {file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  const mode_t before = umask(0027);
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  umask(0077);
  SQLite::Database made(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  umask(before);
  return made;
}

// Writes nothing into a file that is as it should be: a full disk must not hide what is in it.
// Alone with the file, SQLite needs no second one for the processes to share.
void prepare_sqlite_file(SQLite::Database& database, int version, const char* sql) {
  database.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
  const int found = database.execAndGet("PRAGMA user_version").getInt();
  if (found > version) {
    throw std::runtime_error("it was written by a newer Traffic Dam (version " +
                             std::to_string(found) +
                             " of its tables): start that one, or another file with --state");
  }
  if (found == version) return;
  SQLite::Transaction whole(database);
  database.exec(sql);
  database.exec("PRAGMA user_version=" + std::to_string(version));
  whole.commit();
}

}  // namespace dam::control
