// SPDX-License-Identifier: BSD-3-Clause
// Operators' bans as this process holds them: prefixes, each with its end by the wall clock. They
// are changed by messages, and end by themselves, whoever is there to lift them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/prefix_set.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

class BanList {
 public:
  // All errors as sentences; with any, nothing is changed. The socket is not trusted.
  std::vector<std::string> change(const v1::Bans& message);
  // Whoever tells of bans tells all of them the next time: of this version, one that nobody has
  // drawn, he knows nothing. It is not 0, which would say that nothing is here.
  void distrust() { version_ += version_ != 0 ? 1 : 0; }
  bool has_ended(uint64_t now_unix_s) const { return now_unix_s >= next_end_unix_s_; }  // any
  // Takes out what has ended; true when there was any.
  bool expire(uint64_t now_unix_s);

  PrefixSet set() const;
  uint64_t version() const { return version_; }
  size_t size() const { return bans_.size(); }
  // As a message that makes another list the same.
  v1::Bans whole() const;

 private:
  struct Entry {
    SourcePrefix source;
    uint64_t until_unix_s;  // UINT64_MAX: for ever
  };
  static bool less(const Entry& a, const Entry& b);
  static bool same(const Entry& a, const Entry& b) { return !less(a, b) && !less(b, a); }

  std::vector<Entry> bans_;  // in order, each prefix once
  uint64_t version_ = 0;
  uint64_t next_end_unix_s_ = UINT64_MAX;
};

}  // namespace dam
