// SPDX-License-Identifier: BSD-3-Clause
// What was changed, by whom, from where; and who was refused. A change is written before it is
// made, and once more with how it ended before the answer goes out: one that was acknowledged is
// never lost, and a full disk refuses it first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/trust/role.h"
#include "controlplane/trust/state_file.h"

namespace dam::control {

struct AuditEntry {
  int64_t number = 0;
  int64_t at = 0;  // Unix seconds
  Caller caller;
  std::string method;
  std::string path;  // with its query
  int status = 0;    // 0: begun; how it ended was not written
  std::string what;
};

// Refusals of one kind (401, 403, 429) for one address and name.
struct RefusedEntry {
  int64_t first_at = 0;
  int64_t last_at = 0;
  int64_t times = 0;
  std::string address;
  std::string name;
  int status = 0;
  std::string method;  // of the last one
  std::string path;
};

class AuditStore {
 public:
  static constexpr int64_t kMostEntries = 100'000;
  static constexpr int64_t kLongest_s = int64_t{400} * 86400;
  static constexpr int64_t kMostRefused = 1000;
  static constexpr size_t kMostText = 400;  // bytes of a path or a text
  // Strangers make at most so many writes: the first of each minute for one address, name and
  // status, and at most so many a minute in all. The rest is only counted.
  static constexpr int kRefusedWritesAMinute = 60;

  explicit AuditStore(StateFile& file, int64_t most_entries = kMostEntries);
  ~AuditStore();

  // Throws std::runtime_error where it cannot be written.
  int64_t begin(const AuditEntry& entry);
  void finish(int64_t number, int status, const std::string& what);
  // Never throws. `now_s`: Unix seconds.
  void refused(const RefusedEntry& entry, int64_t now_s);

  // Newest first, below `before` (0: from the newest).
  std::vector<AuditEntry> list(int64_t before, int64_t count);
  std::vector<RefusedEntry> list_refused(int64_t count);
  int64_t refused_times() const;  // since the start of this process

 private:
  void forget_old(int64_t newest, int64_t now_s);
  void write_refused(RefusedEntry& entry);
  void write_pending();

  StateFile& file_;  // its mutex guards the rest
  const int64_t most_entries_;
  std::vector<RefusedEntry> recent_;  // of this minute; `times` counts what is not yet written
  int64_t minute_ = 0;
  int writes_ = 0;  // in it
  int64_t refused_times_ = 0;
};

}  // namespace dam::control
