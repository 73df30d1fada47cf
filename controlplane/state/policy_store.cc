// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/policy_store.h"

#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace dam::control {

namespace {

constexpr int kSchema = 1;  // PRAGMA user_version
constexpr const char* kSchemaSql = R"(
  CREATE TABLE IF NOT EXISTS policy_version (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_unix INTEGER NOT NULL, author TEXT NOT NULL,
    comment TEXT NOT NULL, text TEXT NOT NULL, folder TEXT NOT NULL, file_digest TEXT NOT NULL,
    changes TEXT NOT NULL,
    settled INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS unconfirmed (
    one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, before INTEGER NOT NULL,
    within_s INTEGER NOT NULL, deadline_unix INTEGER NOT NULL) STRICT;
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

constexpr const char* kColumns =
    "SELECT number, at_unix, author, comment, changes, text, folder, file_digest "
    "FROM policy_version WHERE settled = 1 ";

}  // namespace

std::string PolicyVersion::whole_text() const {
  return changes.empty() ? text
                         : text + "\n# changed since, one by one:\n" + yaml_of_changes(changes);
}

PolicyStore::PolicyStore(const std::filesystem::path& file, int64_t most_bytes) try
    : most_bytes_(most_bytes), database_(open_sqlite_file(file)) {
  prepare_sqlite_file(database_, kSchema, kSchemaSql);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

int64_t PolicyStore::propose(const PolicyVersion& version) {
  const std::lock_guard lock(mutex_);
  SQLite::Transaction whole(database_);
  database_.exec("DELETE FROM policy_version WHERE settled = 0");
  SQLite::Statement insert(database_,
                           "INSERT INTO policy_version (at_unix, author, comment, text, folder, "
                           "file_digest, changes, settled) VALUES (?, ?, ?, ?, ?, ?, ?, 0)");
  insert.bind(1, version.at_unix);
  const std::string changes = text_of(version.changes);
  int place = 2;
  for (const std::string* text : {&version.author, &version.comment, &version.text, &version.folder,
                                  &version.file_digest, &changes}) {
    insert.bind(place++, *text);
  }
  insert.exec();
  const int64_t number = database_.getLastInsertRowid();
  whole.commit();
  return number;
}

void PolicyStore::settle(int64_t number, int64_t within_s, int64_t back_to) {
  const std::lock_guard lock(mutex_);
  SQLite::Transaction whole(database_);
  database_.exec("UPDATE policy_version SET settled = 1 WHERE number = " + std::to_string(number));
  database_.exec("DELETE FROM unconfirmed");
  if (within_s > 0 && back_to > 0) {
    SQLite::Statement wait(database_, "INSERT INTO unconfirmed VALUES (1, ?, ?, ?, ?)");
    const int64_t deadline = static_cast<int64_t>(std::time(nullptr)) + within_s;
    int place = 1;
    for (const int64_t value : {number, back_to, within_s, deadline}) wait.bind(place++, value);
    wait.exec();
  }
  forget_old(number);
  whole.commit();
}

// The newest two stay whatever they weigh: one to run, one to come back.
void PolicyStore::forget_old(int64_t newest) {
  SQLite::Statement old(
      database_,
      "DELETE FROM policy_version WHERE number < ?1 - 1 AND (number <= ?1 - ?2 OR number IN "
      "(SELECT number FROM (SELECT number, sum(length(text) + length(changes)) OVER (ORDER BY "
      "number DESC) AS bytes FROM policy_version) WHERE bytes > ?3)) AND number NOT IN "
      "(SELECT before FROM unconfirmed)");
  old.bind(1, newest);
  old.bind(2, kMostVersions);
  old.bind(3, most_bytes_);
  old.exec();
}

void PolicyStore::withdraw(int64_t number) {
  const std::lock_guard lock(mutex_);
  database_.exec("DELETE FROM policy_version WHERE settled = 0 AND number = " +
                 std::to_string(number));
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
  version.file_digest = query.getColumn(7).getString();
  return version;
}

std::optional<PolicyVersion> PolicyStore::get(int64_t number) const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_, std::string(kColumns) + "AND number = ?");
  query.bind(1, number);
  return read(query);
}

std::optional<PolicyVersion> PolicyStore::newest() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_, std::string(kColumns) + "ORDER BY number DESC LIMIT 1");
  return read(query);
}

std::vector<PolicyVersion> PolicyStore::list(int64_t before, int count) const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(
      database_,
      "SELECT number, at_unix, author, comment, changes, '', '', '' FROM policy_version "
      "WHERE settled = 1 AND number < ? ORDER BY number DESC LIMIT ?");
  query.bind(1, before > 0 ? before : std::numeric_limits<int64_t>::max());
  query.bind(2, count);
  std::vector<PolicyVersion> versions;
  while (auto version = read(query)) versions.push_back(std::move(*version));
  return versions;
}

std::optional<Unconfirmed> PolicyStore::unconfirmed() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_,
                          "SELECT number, before, within_s, deadline_unix FROM unconfirmed");
  if (!query.executeStep()) return std::nullopt;
  return Unconfirmed{query.getColumn(0).getInt64(), query.getColumn(1).getInt64(),
                     query.getColumn(2).getInt64(), query.getColumn(3).getInt64()};
}

void PolicyStore::confirm() {
  const std::lock_guard lock(mutex_);
  database_.exec("DELETE FROM unconfirmed");
}

}  // namespace dam::control
