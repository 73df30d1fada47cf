// SPDX-License-Identifier: BSD-3-Clause
// What people have said about servers, in an SQLite file of its own. Not part of the policy's
// versions: a server that is drained for its maintenance stays so when a policy is applied, rolled
// back, or goes because nobody confirmed it.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "controlplane/state/sqlite_file.h"

namespace dam::control {

enum class Intake { enabled, drained, disabled };

struct ServerWord {
  Intake intake = Intake::enabled;
  uint32_t weight = 0;  // 0: the policy's
  std::string author;
  int64_t at_unix = 0;
};

class ServerStore {
 public:
  static constexpr const char* kInMemory = kSqliteInMemory;

  // Makes the folder (0750) and the file (0600). All of these throw std::runtime_error, in words.
  explicit ServerStore(const std::filesystem::path& file);
  bool remembers() const { return database_.getFilename() != kInMemory; }  // in a file

  std::map<std::string, ServerWord> all() const;
  // On disk when it returns. A word that says nothing is forgotten.
  void put(const std::string& server, const ServerWord& word);

 private:
  mutable std::mutex mutex_;
  mutable SQLite::Database database_;
};

}  // namespace dam::control
