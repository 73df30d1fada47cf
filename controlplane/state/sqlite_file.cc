// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/sqlite_file.h"

#include <sys/stat.h>

#include <stdexcept>
#include <string>

namespace dam::control {

namespace {

// Until its end, also by an exception.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  ~Umask() { umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  const mode_t before_;
};

void make_folder(const std::filesystem::path& folder) {
  const Umask group_may_look(0027);
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // opening the file says what is wrong
}

}  // namespace

SQLite::Database open_sqlite_file(const std::filesystem::path& file) {
  const int how = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
  if (file == kSqliteInMemory) return {file.string(), how};
  make_folder(file.parent_path());
  const Umask owner_alone(0077);
  return {file.string(), how};
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
