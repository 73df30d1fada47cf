// SPDX-License-Identifier: BSD-3-Clause
// Every policy that was put in force, in SQLite: it lasts once settle() has returned, whatever
// happens then (kill -9, power; write-ahead log, synchronous=FULL). Numbers are never used twice.
//
// Why SQLiteCpp: statements and transactions that end by themselves; Debian's, a thin layer on
// SQLite.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/policy/zone_edit.h"
#include "controlplane/state/sqlite_file.h"

namespace dam::control {

struct PolicyVersion {
  int64_t number = 0;  // from 1; 0: not in the store
  int64_t at_unix = 0;
  std::string author;   // of the request: a user's name, "dam.yaml", "dam"
  std::string comment;  // what was done, e.g. "zone heavy changed"
  std::string text;     // of dam.yaml
  std::string folder;   // files that the text names lie there
  std::string
      file_digest;  // of dam.yaml as it was then: when it is another one at a start, it counts
  std::vector<ZoneChange> changes;  // made since, one by one; not in `text`

  // The text with its changes, as people compare it.
  std::string whole_text() const;
};

// A version that goes unless somebody confirms it.
struct Unconfirmed {
  int64_t number = 0;
  int64_t before = 0;  // what comes back
  int64_t within_s = 0;
  int64_t deadline_unix = 0;  // s
};

class PolicyStore {
 public:
  static constexpr int64_t kMostVersions =
      1000;  // older ones are forgotten; sooner when texts are long
  static constexpr int64_t kMostBytes = 256 << 20;
  static constexpr const char* kInMemory = kSqliteInMemory;

  // Makes the folder (0750) and the file (0600). One process at a time. All of these throw
  // std::runtime_error, in words.
  explicit PolicyStore(const std::filesystem::path& file, int64_t most_bytes = kMostBytes);

  // Writes the version, so that a full disk is known before anything is put in force. It is no
  // version yet: settle() makes it one, withdraw() or a restart takes it away. Gives its number.
  int64_t propose(const PolicyVersion& version);
  // `within_s` > 0: it waits for a confirmation from now on, or `back_to` comes back.
  void settle(int64_t number, int64_t within_s, int64_t back_to);
  void withdraw(int64_t number);

  std::optional<PolicyVersion> get(int64_t number) const;
  std::optional<PolicyVersion> newest() const;
  // Newest first, below `before` (0: from the newest), without their texts.
  std::vector<PolicyVersion> list(int64_t before, int count) const;

  std::optional<Unconfirmed> unconfirmed() const;
  void confirm();

 private:
  std::optional<PolicyVersion> read(SQLite::Statement& query) const;
  void forget_old(int64_t newest);

  const int64_t most_bytes_;
  mutable std::mutex mutex_;
  mutable SQLite::Database database_;
};

}  // namespace dam::control
