// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_store.h"

#include <cstring>
#include <stdexcept>

namespace dam::control {

namespace {

constexpr int kBanSchema = 1;  // PRAGMA user_version
constexpr int kOfZone = 1;     // in the column of_zone
constexpr int kInServices = 2;
constexpr const char* kBanSchemaSql = R"(
  CREATE TABLE IF NOT EXISTS ban (
    address BLOB NOT NULL, bits INTEGER NOT NULL, made_unix INTEGER NOT NULL,
    until_unix INTEGER NOT NULL, times INTEGER NOT NULL, reason TEXT NOT NULL,
    origin TEXT NOT NULL, author TEXT NOT NULL, of_zone INTEGER NOT NULL,
    PRIMARY KEY (address, bits)) STRICT, WITHOUT ROWID;
)";

Network network_in_row(const SQLite::Column& address, int bits) {
  Network network;
  const int bytes = address.getBytes();
  if ((bytes != 4 && bytes != 16) || bits < 0 || bits > bytes * 8) {
    throw std::runtime_error("a ban in it is of no network");
  }
  network.address.v6 = bytes == 16;
  std::memcpy(network.address.bytes.data(), address.getBlob(), static_cast<size_t>(bytes));
  network.prefix_bits = static_cast<uint8_t>(bits);
  return network;
}

void bind_source(SQLite::Statement& statement, const Network& source) {
  const std::string wire = source.address.wire();
  statement.bind(1, wire.data(), static_cast<int>(wire.size()));
  statement.bind(2, static_cast<int>(source.prefix_bits));
}

}  // namespace

BanStore::BanStore(const std::filesystem::path& file) try : database_(open_sqlite_file(file)) {
  prepare_sqlite_file(database_, kBanSchema, kBanSchemaSql);
} catch (const std::exception& error) {
  throw std::runtime_error(file.string() + ": " + error.what());
}

std::vector<KeptBan> BanStore::all() const {
  const std::lock_guard lock(mutex_);
  SQLite::Statement query(database_,
                          "SELECT address, bits, made_unix, until_unix, times, reason, origin, "
                          "author, of_zone FROM ban");
  std::vector<KeptBan> bans;
  while (query.executeStep()) {
    KeptBan ban;
    ban.source = network_in_row(query.getColumn(0), query.getColumn(1).getInt());
    ban.made_unix = query.getColumn(2).getInt64();
    ban.until_unix = query.getColumn(3).getInt64();
    ban.times = query.getColumn(4).getInt64();
    ban.reason = query.getColumn(5).getString();
    ban.origin = query.getColumn(6).getString();
    ban.author = query.getColumn(7).getString();
    const int where = query.getColumn(8).getInt();
    ban.of_zone = where == kOfZone;
    ban.in_services = where == kInServices;
    bans.push_back(std::move(ban));
  }
  return bans;
}

void BanStore::write(const std::vector<KeptBan>& put, const std::vector<Network>& removed,
                     const KindChange& kinds) {
  const std::lock_guard lock(mutex_);
  SQLite::Transaction whole(database_);
  SQLite::Statement remove(database_, "DELETE FROM ban WHERE address = ? AND bits = ?");
  for (const Network& source : removed) {
    bind_source(remove, source);
    remove.exec();
    remove.reset();
  }
  SQLite::Statement insert(database_, "INSERT OR REPLACE INTO ban VALUES (?,?,?,?,?,?,?,?,?)");
  for (const KeptBan& ban : put) {
    bind_source(insert, ban.source);
    insert.bind(3, ban.made_unix);
    insert.bind(4, ban.until_unix);
    insert.bind(5, ban.times);
    insert.bind(6, ban.reason);
    insert.bind(7, ban.origin);
    insert.bind(8, ban.author);
    insert.bind(9, ban.of_zone ? kOfZone : ban.in_services ? kInServices : 0);
    insert.exec();
    insert.reset();
  }
  if (kinds.any()) write_fingerprints(kinds);
  whole.commit();
}

}  // namespace dam::control
