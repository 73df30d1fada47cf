// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/access_store.h"

#include <algorithm>
#include <ctime>

#include "controlplane/trust/secret.h"

namespace dam::control {

namespace {

constexpr int64_t kWriteUses_s = 60;
constexpr const char* kNew = "ask an admin for another: damctl enroll, damctl token add";

int64_t now_s() { return static_cast<int64_t>(std::time(nullptr)); }

std::string text_in(SQLite::Statement& query, int column) {
  return query.getColumn(column).getString();
}

Role role_in(SQLite::Statement& query, int column) {
  return role_of(text_in(query, column)).value_or(Role::anyone);
}

}  // namespace

AccessStore::AccessStore(StateFile& file) : file_(file) {
  const std::lock_guard lock(file_.mutex());
  read_all();
}

AccessStore::~AccessStore() {
  const std::lock_guard lock(file_.mutex());
  try {
    write_uses();
  } catch (const std::exception&) {
    used_ = true;  // times of last use are no loss
  }
}

void AccessStore::read_all() {
  SQLite::Statement clients(file_.sqlite(),
                            "SELECT fingerprint, name, role, added_by, added_at, expires_at, "
                            "revoked_at, used_at FROM client ORDER BY added_at, name");
  while (clients.executeStep()) {
    clients_.push_back({text_in(clients, 0), text_in(clients, 1), role_in(clients, 2),
                        text_in(clients, 3), clients.getColumn(4).getInt64(),
                        clients.getColumn(5).getInt64(), clients.getColumn(6).getInt64(),
                        clients.getColumn(7).getInt64()});
  }
  SQLite::Statement tokens(file_.sqlite(),
                           "SELECT name, digest, role, added_by, added_at, expires_at, used_at "
                           "FROM token ORDER BY added_at, name");
  while (tokens.executeStep()) {
    tokens_.push_back({text_in(tokens, 0), text_in(tokens, 1), role_in(tokens, 2),
                       text_in(tokens, 3), tokens.getColumn(4).getInt64(),
                       tokens.getColumn(5).getInt64(), tokens.getColumn(6).getInt64()});
  }
}

Recognised AccessStore::by_certificate(const std::string& fingerprint) {
  const std::lock_guard lock(file_.mutex());
  const auto found = std::find_if(clients_.begin(), clients_.end(),
                                  [&](const Client& c) { return c.fingerprint == fingerprint; });
  if (found == clients_.end()) {
    return {
        "", Role::anyone,
        "this certificate is not registered here (its SHA-256 is " + fingerprint + "); " + kNew};
  }
  if (found->revoked_at > 0) {
    return {found->name, Role::anyone, "this certificate was revoked; " + std::string(kNew)};
  }
  // Looked at in the handshake too; but connections last.
  if (found->expires_at > 0 && found->expires_at <= now_s()) {
    return {found->name, Role::anyone, "this certificate has expired; " + std::string(kNew)};
  }
  note_use(found->used_at, now_s());
  return {found->name, found->role, ""};
}

Recognised AccessStore::by_token(const std::string& text) {
  return by_token_digest(sha256_hex(text));
}

// All of them are compared, so that the time taken tells nothing about any.
Recognised AccessStore::by_token_digest(const std::string& digest) {
  const std::lock_guard lock(file_.mutex());
  Token* found = nullptr;
  for (Token& token : tokens_) {
    if (same_digest(token.digest, digest)) found = &token;
  }
  const int64_t now = now_s();
  if (found == nullptr) {
    return {"", Role::anyone, "this token is not known here, or was removed; " + std::string(kNew)};
  }
  if (found->expires_at > 0 && found->expires_at <= now) {
    return {found->name, Role::anyone, "this token has expired; " + std::string(kNew)};
  }
  note_use(found->used_at, now);
  return {found->name, found->role, ""};
}

void AccessStore::note_use(int64_t& used_at, int64_t now) {
  used_at = now;
  used_ = true;
  if (now - uses_written_at_ < kWriteUses_s) return;
  uses_written_at_ = now;
  try {
    write_uses();
  } catch (const std::exception&) {
    used_ = true;  // tried again in a minute; who may in may in on a full disk too
  }
}

void AccessStore::write_uses() {
  if (!used_) return;
  SQLite::Transaction whole(file_.sqlite());
  SQLite::Statement client(file_.sqlite(), "UPDATE client SET used_at = ? WHERE fingerprint = ?");
  for (const Client& one : clients_) {
    client.bind(1, one.used_at);
    client.bind(2, one.fingerprint);
    client.exec();
    client.reset();
  }
  SQLite::Statement token(file_.sqlite(), "UPDATE token SET used_at = ? WHERE name = ?");
  for (const Token& one : tokens_) {
    token.bind(1, one.used_at);
    token.bind(2, one.name);
    token.exec();
    token.reset();
  }
  whole.commit();
  used_ = false;
}

std::vector<Client> AccessStore::clients() {
  const std::lock_guard lock(file_.mutex());
  return clients_;
}

size_t AccessStore::live_clients() const {
  return static_cast<size_t>(std::count_if(clients_.begin(), clients_.end(),
                                           [](const Client& c) { return c.revoked_at == 0; }));
}

AccessStore::Added AccessStore::add_client(const Client& client) {
  const std::lock_guard lock(file_.mutex());
  const auto known = [&](const Client& c) { return c.fingerprint == client.fingerprint; };
  if (std::any_of(clients_.begin(), clients_.end(), known)) return Added::known_already;
  if (live_clients() >= kMostEntries) return Added::full;
  SQLite::Transaction whole(file_.sqlite());
  // Those that were revoked longest ago make room: they open nothing either way.
  const auto oldest =
      std::min_element(clients_.begin(), clients_.end(), [](const Client& a, const Client& b) {
        return (a.revoked_at > 0 ? a.revoked_at : INT64_MAX) <
               (b.revoked_at > 0 ? b.revoked_at : INT64_MAX);
      });
  const bool crowded = clients_.size() >= 2 * kMostEntries;
  if (crowded) {
    SQLite::Statement forget(file_.sqlite(), "DELETE FROM client WHERE fingerprint = ?");
    forget.bind(1, oldest->fingerprint);
    forget.exec();
  }
  SQLite::Statement insert(file_.sqlite(), "INSERT INTO client VALUES (?, ?, ?, ?, ?, ?, 0, 0)");
  insert.bind(1, client.fingerprint);
  insert.bind(2, client.name);
  insert.bind(3, role_text(client.role));
  insert.bind(4, client.added_by);
  insert.bind(5, client.added_at);
  insert.bind(6, client.expires_at);
  insert.exec();
  whole.commit();
  if (crowded) clients_.erase(oldest);
  clients_.push_back(client);
  return Added::yes;
}

size_t AccessStore::revoke(const std::string& which) {
  const std::lock_guard lock(file_.mutex());
  const int64_t now = now_s();
  SQLite::Statement update(file_.sqlite(),
                           "UPDATE client SET revoked_at = ?1 WHERE revoked_at = 0 AND "
                           "(fingerprint = ?2 OR name = ?2)");
  update.bind(1, now);
  update.bind(2, which);
  update.exec();
  size_t count = 0;
  for (Client& one : clients_) {
    if (one.revoked_at > 0 || (one.fingerprint != which && one.name != which)) continue;
    one.revoked_at = now;
    ++count;
  }
  return count;
}

std::vector<Token> AccessStore::tokens() {
  const std::lock_guard lock(file_.mutex());
  return tokens_;
}

std::string AccessStore::new_token_text() { return "dam_" + random_hex(); }

AccessStore::Added AccessStore::add_token(Token token, const std::string& text) {
  const std::lock_guard lock(file_.mutex());
  const auto known = [&](const Token& one) { return one.name == token.name; };
  if (std::any_of(tokens_.begin(), tokens_.end(), known)) return Added::known_already;
  if (tokens_.size() >= kMostEntries) return Added::full;
  token.digest = sha256_hex(text);
  SQLite::Statement insert(file_.sqlite(), "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, 0)");
  insert.bind(1, token.name);
  insert.bind(2, token.digest);
  insert.bind(3, role_text(token.role));
  insert.bind(4, token.added_by);
  insert.bind(5, token.added_at);
  insert.bind(6, token.expires_at);
  insert.exec();
  tokens_.push_back(std::move(token));
  return Added::yes;
}

bool AccessStore::remove_token(const std::string& name) {
  const std::lock_guard lock(file_.mutex());
  SQLite::Statement remove(file_.sqlite(), "DELETE FROM token WHERE name = ?");
  remove.bind(1, name);
  remove.exec();
  return std::erase_if(tokens_, [&](const Token& one) { return one.name == name; }) > 0;
}

}  // namespace dam::control
