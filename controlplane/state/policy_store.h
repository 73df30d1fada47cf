// SPDX-License-Identifier: BSD-3-Clause
// Every policy that was put in force, in SQLite: it lasts once add() has returned, whatever happens
// then (kill -9, power; write-ahead log, synchronous=FULL). Numbers are never used twice.
//
// Why SQLiteCpp: statements and transactions that end by themselves; Debian's, a thin layer on
// SQLite.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/policy/zone_edit.h"

namespace dam::control {

struct PolicyVersion {
  int64_t number = 0;  // from 1; 0: not in the store
  int64_t at_unix = 0;
  std::string author;   // of the request: a user's name, "dam.yaml", "dam"
  std::string comment;  // what was done, e.g. "zone heavy changed"
  std::string text;     // of dam.yaml
  std::string folder;   // files that the text names lie there
  std::string file;     // dam.yaml as it was then: when it is another one at a start, it counts
  std::vector<ZoneChange> changes;  // made since, one by one; not in `text`

  // The text with its changes, as people compare it.
  std::string whole_text() const;
};

// A version that goes unless somebody confirms it.
struct Unconfirmed {
  int64_t number = 0;
  int64_t before = 0;         // what comes back
  int64_t deadline_unix = 0;  // s
};

class PolicyStore {
 public:
  static constexpr int64_t kMostVersions = 1000;  // older ones are forgotten
  static constexpr const char* kInMemory = ":memory:";

  // Makes the folder (0750) and the file (0600). Throws std::runtime_error, in words, where it
  // cannot.
  explicit PolicyStore(const std::filesystem::path& file);

  // Writes the version, asks `put_in_force`, and keeps it only if that says true. `within_s` > 0:
  // it waits for a confirmation. Gives its number, 0 when it is not kept. Throws, in words, when
  // nothing can be written: before put_in_force or, seldom, after it; then the policy is in force
  // and not kept.
  int64_t add(const PolicyVersion& version, int64_t within_s,
              const std::function<bool()>& put_in_force);

  std::optional<PolicyVersion> get(int64_t number) const;
  std::optional<PolicyVersion> newest() const;
  // Newest first, below `before` (0: from the newest), without their texts.
  std::vector<PolicyVersion> list(int64_t before, int count) const;

  std::optional<Unconfirmed> unconfirmed() const;
  void confirm();

 private:
  std::optional<PolicyVersion> read(SQLite::Statement& query) const;

  mutable std::mutex mutex_;
  mutable SQLite::Database database_;
};

}  // namespace dam::control
