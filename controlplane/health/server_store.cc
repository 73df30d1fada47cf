// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/server_store.h"

#include <stdexcept>

namespace dam::control {

namespace {

constexpr int kServerSchema = 1;  // PRAGMA user_version
constexpr const char* kServerTable =
    "CREATE TABLE IF NOT EXISTS server_word (server TEXT PRIMARY KEY, intake INTEGER NOT NULL, "
    "weight INTEGER NOT NULL, author TEXT NOT NULL, at_unix INTEGER NOT NULL) STRICT";

}  // namespace

ServerStore::ServerStore(const std::filesystem::path& file) try
    : database_(open_sqlite_file(file)) {
  prepare_sqlite_file(database_, kServerSchema, kServerTable);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

std::map<std::string, ServerWord> ServerStore::all() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_,
                          "SELECT server, intake, weight, author, at_unix FROM server_word");
  std::map<std::string, ServerWord> words;
  while (query.executeStep()) {
    ServerWord& word = words[query.getColumn(0).getString()];
    word.intake = static_cast<Intake>(query.getColumn(1).getInt());
    word.weight = query.getColumn(2).getUInt();
    word.author = query.getColumn(3).getString();
    word.at_unix = query.getColumn(4).getInt64();
  }
  return words;
}

void ServerStore::put(const std::string& server, const ServerWord& word) {
  const std::lock_guard lock(mutex_);
  if (word.intake == Intake::enabled && word.weight == 0) {
    SQLite::Statement forget(database_, "DELETE FROM server_word WHERE server = ?");
    forget.bind(1, server);
    forget.exec();
    return;
  }
  SQLite::Statement insert(database_, "INSERT OR REPLACE INTO server_word VALUES (?, ?, ?, ?, ?)");
  insert.bind(1, server);
  insert.bind(2, static_cast<int>(word.intake));
  insert.bind(3, word.weight);
  insert.bind(4, word.author);
  insert.bind(5, word.at_unix);
  insert.exec();
}

}  // namespace dam::control
