// SPDX-License-Identifier: BSD-3-Clause
// The SQLite file of what must last beside the policy: who may steer, and who did. What is written
// lasts once it is written, whatever happens then (write-ahead log, synchronous=FULL).
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <mutex>

#include "controlplane/state/sqlite_file.h"

namespace dam::control {

class StateFile {
 public:
  static constexpr const char* kInMemory = kSqliteInMemory;

  // Makes the folder (0750), the file (0600) and its tables. One process at a time. Throws
  // std::runtime_error, in words.
  explicit StateFile(const std::filesystem::path& file);

  // Held by whoever uses sqlite().
  std::mutex& mutex() { return mutex_; }
  SQLite::Database& sqlite() { return sqlite_; }

 private:
  std::mutex mutex_;
  SQLite::Database sqlite_;
};

}  // namespace dam::control
