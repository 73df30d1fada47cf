// SPDX-License-Identifier: BSD-3-Clause
// Operators' bans of kinds of clients as this process holds them. See ban_list.h; these are few.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/ja4.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

class FingerprintBanList {
 public:
  // All errors as sentences; with any, nothing is changed. The socket is not trusted.
  std::vector<std::string> change(const v1::FingerprintBans& message);
  // Whoever tells of bans tells all of them the next time: of this version, one that nobody has
  // drawn, he knows nothing. It is not 0, which would say that nothing is here.
  void distrust() { version_ += version_ != 0 ? 1 : 0; }
  // Takes out what has ended; true when there was any.
  bool expire(uint64_t now_unix_s);

  std::vector<Ja4Pattern> patterns() const;
  uint64_t version() const { return version_; }
  size_t size() const { return bans_.size(); }
  v1::FingerprintBans whole() const;  // as a message that makes another list the same

 private:
  struct Entry {
    std::string text;
    Ja4Pattern pattern;
    uint64_t until_unix_s;  // 0: for ever
  };
  static std::vector<Entry> read(const v1::FingerprintBans& message,
                                 std::vector<std::string>& errors);
  void drop(const std::string& text);

  std::vector<Entry> bans_;
  uint64_t version_ = 0;
};

}  // namespace dam
