// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/policy_store.h"

#include <sys/stat.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace dam::control {

namespace {

constexpr int kSchema = 1;  // PRAGMA user_version
constexpr const char* kSchemaSql = R"(
  CREATE TABLE IF NOT EXISTS policy_version (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_unix INTEGER NOT NULL, author TEXT NOT NULL,
    comment TEXT NOT NULL, text TEXT NOT NULL, folder TEXT NOT NULL, file TEXT NOT NULL,
    changes TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS unconfirmed (
    one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, before INTEGER NOT NULL,
    deadline_unix INTEGER NOT NULL) STRICT;
)";

std::string text_of(const std::vector<ZoneChange>& changes) {
  nlohmann::json list = nlohmann::json::array();
  for (const ZoneChange& one : changes) list.push_back({one.zone, one.key, one.value});
  return list.dump();
}

std::vector<ZoneChange> changes_of(const std::string& text) {
  std::vector<ZoneChange> changes;
  for (const auto& one : nlohmann::json::parse(text)) changes.push_back({one[0], one[1], one[2]});
  return changes;
}

SQLite::Database open(const std::filesystem::path& file) {
  if (file != PolicyStore::kInMemory) {
    const mode_t before = umask(0027);
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    umask(0077);
    SQLite::Database made(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    umask(before);
    return made;
  }
  return {file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
}

void prepare(SQLite::Database& database) {
  database.setBusyTimeout(2000);
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
  const int schema = database.execAndGet("PRAGMA user_version").getInt();
  if (schema > kSchema) {
    throw std::runtime_error("it was written by a newer Traffic Dam (version " +
                             std::to_string(schema) +
                             " of its tables): start that one, or another file with --state");
  }
  SQLite::Transaction whole(database);
  database.exec(kSchemaSql);
  database.exec("PRAGMA user_version=" + std::to_string(kSchema));
  whole.commit();
}

}  // namespace

std::string PolicyVersion::whole_text() const {
  return changes.empty() ? text
                         : text + "\n# changed since, one by one:\n" + yaml_of_changes(changes);
}

PolicyStore::PolicyStore(const std::filesystem::path& file) try : database_(open(file)) {
  prepare(database_);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

int64_t PolicyStore::add(const PolicyVersion& version, int64_t within_s,
                         const std::function<bool()>& put_in_force) {
  const std::lock_guard lock(mutex_);
  SQLite::Transaction whole(database_, SQLite::TransactionBehavior::IMMEDIATE);
  const int64_t before =
      database_.execAndGet("SELECT coalesce(max(number), 0) FROM policy_version");
  SQLite::Statement insert(
      database_,
      "INSERT INTO policy_version (at_unix, author, comment, text, folder, file, "
      "changes) VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, static_cast<int64_t>(std::time(nullptr)));
  const std::string changes = text_of(version.changes);
  int place = 2;
  for (const std::string* text : {&version.author, &version.comment, &version.text, &version.folder,
                                  &version.file, &changes}) {
    insert.bind(place++, *text);
  }
  insert.exec();
  const int64_t number = database_.getLastInsertRowid();
  database_.exec("DELETE FROM unconfirmed");
  if (within_s > 0 && before > 0) {
    SQLite::Statement wait(database_, "INSERT INTO unconfirmed VALUES (1, ?, ?, ?)");
    wait.bind(1, number);
    wait.bind(2, before);
    wait.bind(3, static_cast<int64_t>(std::time(nullptr)) + within_s);
    wait.exec();
  }
  database_.exec("DELETE FROM policy_version WHERE number <= " +
                 std::to_string(number - kMostVersions));
  if (!put_in_force()) return 0;
  whole.commit();
  return number;
}

std::optional<PolicyVersion> PolicyStore::read(SQLite::Statement& query) const {
  if (!query.executeStep()) return std::nullopt;
  PolicyVersion version;
  version.number = query.getColumn(0).getInt64();
  version.at_unix = query.getColumn(1).getInt64();
  version.author = query.getColumn(2).getString();
  version.comment = query.getColumn(3).getString();
  version.changes = changes_of(query.getColumn(4).getString());
  version.text = query.getColumn(5).getString();
  version.folder = query.getColumn(6).getString();
  version.file = query.getColumn(7).getString();
  return version;
}

std::optional<PolicyVersion> PolicyStore::get(int64_t number) const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_,
                          "SELECT number, at_unix, author, comment, changes, text, folder, file "
                          "FROM policy_version WHERE number = ?");
  query.bind(1, number);
  return read(query);
}

std::optional<PolicyVersion> PolicyStore::newest() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_,
                          "SELECT number, at_unix, author, comment, changes, text, folder, file "
                          "FROM policy_version ORDER BY number DESC LIMIT 1");
  return read(query);
}

std::vector<PolicyVersion> PolicyStore::list(int64_t before, int count) const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(
      database_,
      "SELECT number, at_unix, author, comment, changes, '', '', '' FROM policy_version "
      "WHERE number < ? ORDER BY number DESC LIMIT ?");
  query.bind(1, before > 0 ? before : std::numeric_limits<int64_t>::max());
  query.bind(2, count);
  std::vector<PolicyVersion> versions;
  while (auto version = read(query)) versions.push_back(std::move(*version));
  return versions;
}

std::optional<Unconfirmed> PolicyStore::unconfirmed() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_, "SELECT number, before, deadline_unix FROM unconfirmed");
  if (!query.executeStep()) return std::nullopt;
  return Unconfirmed{query.getColumn(0).getInt64(), query.getColumn(1).getInt64(),
                     query.getColumn(2).getInt64()};
}

void PolicyStore::confirm() {
  const std::lock_guard lock(mutex_);
  database_.exec("DELETE FROM unconfirmed");
}

}  // namespace dam::control
