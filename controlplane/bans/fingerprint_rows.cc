// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients, beside those of sources. Their table comes with the first of them, and
// the file's version stays: an older program goes on with the rest of it.
#include "controlplane/bans/ban_store.h"

namespace dam::control {

namespace {

constexpr const char* kFingerprintTable = "fingerprint_ban";
constexpr const char* kFingerprintSql = R"(
  CREATE TABLE IF NOT EXISTS fingerprint_ban (
    ja4 TEXT PRIMARY KEY, made_unix INTEGER NOT NULL, until_unix INTEGER NOT NULL,
    times INTEGER NOT NULL, reason TEXT NOT NULL, origin TEXT NOT NULL, author TEXT NOT NULL)
    STRICT, WITHOUT ROWID;
)";

}  // namespace

std::vector<FingerprintBan> BanStore::fingerprints() const {
  const std::lock_guard lock(mutex_);
  std::vector<FingerprintBan> bans;
  if (!database_.tableExists(kFingerprintTable)) return bans;
  SQLite::Statement query(database_,
                          "SELECT ja4, made_unix, until_unix, times, reason, origin, author "
                          "FROM fingerprint_ban ORDER BY ja4");
  while (query.executeStep()) {
    FingerprintBan ban;
    ban.ja4 = query.getColumn(0).getString();
    ban.made_unix = query.getColumn(1).getInt64();
    ban.until_unix = query.getColumn(2).getInt64();
    ban.times = query.getColumn(3).getInt64();
    ban.reason = query.getColumn(4).getString();
    ban.origin = query.getColumn(5).getString();
    ban.author = query.getColumn(6).getString();
    bans.push_back(std::move(ban));
  }
  return bans;
}

void BanStore::write_fingerprints(const KindChange& change) {
  database_.exec(kFingerprintSql);
  SQLite::Statement remove(database_, "DELETE FROM fingerprint_ban WHERE ja4 = ?");
  for (const std::string& ja4 : change.removed) {
    remove.bind(1, ja4);
    remove.exec();
    remove.reset();
  }
  SQLite::Statement insert(database_,
                           "INSERT OR REPLACE INTO fingerprint_ban VALUES (?,?,?,?,?,?,?)");
  for (const FingerprintBan& ban : change.put) {
    insert.bind(1, ban.ja4);
    insert.bind(2, ban.made_unix);
    insert.bind(3, ban.until_unix);
    insert.bind(4, ban.times);
    insert.bind(5, ban.reason);
    insert.bind(6, ban.origin);
    insert.bind(7, ban.author);
    insert.exec();
    insert.reset();
  }
}

}  // namespace dam::control
