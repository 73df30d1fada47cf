// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/audit_store.h"

#include <algorithm>
#include <limits>

namespace dam::control {

namespace {

constexpr size_t kMostRecent = 256;
constexpr int64_t kMinute_s = 60;

// Bounded, and nothing in it that steers a terminal.
std::string tame(std::string text) {
  if (text.size() > AuditStore::kMostText) text = text.substr(0, AuditStore::kMostText - 3) + "...";
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

int64_t most_when_0(int64_t before) {
  return before > 0 ? before : std::numeric_limits<int64_t>::max();
}

}  // namespace

AuditStore::AuditStore(StateFile& file, int64_t most_entries)
    : file_(file), most_entries_(most_entries) {}

AuditStore::~AuditStore() {
  const std::lock_guard lock(file_.mutex());
  write_pending();
}

int64_t AuditStore::begin(const AuditEntry& entry) {
  const std::lock_guard lock(file_.mutex());
  SQLite::Transaction whole(file_.sqlite());
  SQLite::Statement insert(file_.sqlite(),
                           "INSERT INTO audit (at, name, role, address, method, path, status, "
                           "what) VALUES (?, ?, ?, ?, ?, ?, 0, ?)");
  insert.bind(1, entry.at);
  insert.bind(2, tame(entry.caller.name));
  insert.bind(3, role_text(entry.caller.role));
  insert.bind(4, entry.caller.address);
  insert.bind(5, entry.method);
  insert.bind(6, tame(entry.path));
  insert.bind(7, tame(entry.what));
  insert.exec();
  const int64_t number = file_.sqlite().getLastInsertRowid();
  forget_old(number, entry.at);
  whole.commit();
  return number;
}

void AuditStore::finish(int64_t number, int status, const std::string& what) {
  const std::lock_guard lock(file_.mutex());
  SQLite::Statement update(file_.sqlite(),
                           "UPDATE audit SET status = ?, what = ? WHERE number = ?");
  update.bind(1, status);
  update.bind(2, tame(what));
  update.bind(3, number);
  update.exec();
}

void AuditStore::forget_old(int64_t newest, int64_t now_s) {
  SQLite::Statement old(file_.sqlite(),
                        "DELETE FROM audit WHERE number <= ?1 OR number IN (SELECT number FROM "
                        "(SELECT number, at FROM audit ORDER BY number LIMIT 100) WHERE at < ?2)");
  old.bind(1, newest - most_entries_);
  old.bind(2, now_s - kLongest_s);
  old.exec();
}

void AuditStore::refused(const RefusedEntry& entry, int64_t now_s) {
  const std::lock_guard lock(file_.mutex());
  ++refused_times_;
  if (now_s / kMinute_s != minute_) {
    write_pending();
    recent_.clear();
    minute_ = now_s / kMinute_s;
    writes_ = 0;
  }
  auto same = std::find_if(recent_.begin(), recent_.end(), [&](const RefusedEntry& one) {
    return one.address == entry.address && one.name == entry.name && one.status == entry.status;
  });
  const bool first = same == recent_.end();
  if (first) {
    if (recent_.size() >= kMostRecent) return;
    same = recent_.insert(recent_.end(), entry);
    same->path = tame(entry.path);
    same->name = tame(entry.name);
    same->first_at = now_s;
  }
  same->last_at = now_s;
  ++same->times;
  if (first && writes_ < kRefusedWritesAMinute) write_refused(*same);
}

// Adds to the row of the same kind, if there is one; on a full disk it stays in memory.
void AuditStore::write_refused(RefusedEntry& entry) {
  ++writes_;
  try {
    SQLite::Transaction whole(file_.sqlite());
    SQLite::Statement update(file_.sqlite(),
                             "UPDATE refused SET last_at = ?1, times = times + ?2, method = ?3, "
                             "path = ?4 WHERE address = ?5 AND name = ?6 AND status = ?7");
    SQLite::Statement insert(file_.sqlite(),
                             "INSERT INTO refused (first_at, last_at, times, address, name, "
                             "status, method, path) VALUES (?8, ?1, ?2, ?5, ?6, ?7, ?3, ?4)");
    const auto bind = [&entry](SQLite::Statement& to) {
      to.bind(1, entry.last_at);
      to.bind(2, entry.times);
      to.bind(3, entry.method);
      to.bind(4, entry.path);
      to.bind(5, entry.address);
      to.bind(6, entry.name);
      to.bind(7, entry.status);
    };
    bind(update);
    if (update.exec() == 0) {
      bind(insert);
      insert.bind(8, entry.first_at);
      insert.exec();
      file_.sqlite().exec(
          "DELETE FROM refused WHERE number NOT IN (SELECT number FROM refused ORDER BY last_at "
          "DESC LIMIT " +
          std::to_string(kMostRefused) + ")");
    }
    whole.commit();
    entry.times = 0;
  } catch (const std::exception&) {
    return;
  }
}

void AuditStore::write_pending() {
  for (RefusedEntry& entry : recent_) {
    if (entry.times > 0 && writes_ < 2 * kRefusedWritesAMinute) write_refused(entry);
  }
}

std::vector<AuditEntry> AuditStore::list(int64_t before, int64_t count) {
  const std::lock_guard lock(file_.mutex());
  SQLite::Statement query(file_.sqlite(),
                          "SELECT number, at, name, role, address, method, path, status, what "
                          "FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?");
  query.bind(1, most_when_0(before));
  query.bind(2, count);
  std::vector<AuditEntry> entries;
  while (query.executeStep()) {
    const auto text = [&query](int column) { return query.getColumn(column).getString(); };
    entries.push_back({query.getColumn(0).getInt64(),
                       query.getColumn(1).getInt64(),
                       {text(2), role_of(text(3)).value_or(Role::anyone), text(4)},
                       text(5),
                       text(6),
                       query.getColumn(7).getInt(),
                       text(8)});
  }
  return entries;
}

std::vector<RefusedEntry> AuditStore::list_refused(int64_t count) {
  const std::lock_guard lock(file_.mutex());
  write_pending();
  SQLite::Statement query(file_.sqlite(),
                          "SELECT first_at, last_at, times, address, name, status, method, path "
                          "FROM refused ORDER BY last_at DESC, number DESC LIMIT ?");
  query.bind(1, count);
  std::vector<RefusedEntry> entries;
  while (query.executeStep()) {
    const auto text = [&query](int column) { return query.getColumn(column).getString(); };
    entries.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getInt64(),
                       query.getColumn(2).getInt64(), text(3), text(4), query.getColumn(5).getInt(),
                       text(6), text(7)});
  }
  return entries;
}

int64_t AuditStore::refused_times() const {
  const std::lock_guard lock(file_.mutex());
  return refused_times_;
}

}  // namespace dam::control
