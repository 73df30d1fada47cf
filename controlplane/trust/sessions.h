// SPDX-License-Identifier: BSD-3-Clause
// A browser's sessions: a token that was shown once is stood in for by a cookie. In memory alone,
// of each session only the SHA-256 of its id, and of the token its digest: what it opens is what
// the token opens at that moment, so a removed token's sessions open nothing. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace dam::control {

class Sessions {
 public:
  // Where there is no room the oldest goes: of the same token first, so that nobody ends others'
  // sessions by beginning many.
  static constexpr size_t kMost = 64;
  static constexpr size_t kMostOfOneToken = 8;
  static constexpr int64_t kLasts_s = 12 * 3600;

  // Times are Unix seconds. Returns the id, 256 random bits in hex; it is never shown again.
  std::string begin(const std::string& token_digest, int64_t now);
  // The digest of the token that it stands in for; "": there is no such session, or not any more.
  std::string token_digest(const std::string& id, int64_t now);
  bool end(const std::string& id);
  size_t size();

 private:
  struct Session {
    std::string id_digest;
    std::string token_digest;
    int64_t ends_at = 0;
  };
  using List = std::vector<Session>;

  List::iterator find(const std::string& id);
  void make_room(const std::string& token_digest, int64_t now);

  std::mutex mutex_;
  List sessions_;  // the oldest first
};

}  // namespace dam::control
