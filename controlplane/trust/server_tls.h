// SPDX-License-Identifier: BSD-3-Clause
// The HTTPS listener's certificate, key and authority: read again whenever their files change, and
// known to be near their end before it comes. Connections that stand keep what they began with.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "controlplane/state/alarm_clock.h"

namespace dam::control {

// What `damctl enroll` makes in the folder.
inline constexpr const char* kAuthorityFile = "ca.pem";
inline constexpr const char* kAuthorityKeyFile = "ca.key";
inline constexpr const char* kServerFile = "server.pem";
inline constexpr const char* kServerKeyFile = "server.key";

class ServerTls {
 public:
  static constexpr int64_t kWarnBefore_s = int64_t{30} * 86400;
  using Log = std::function<void(bool warning, const std::string&)>;

  struct State {
    std::string trouble;            // why there is none, or why newer files are not in use
    int64_t server_expires_at = 0;  // Unix seconds; 0: there is none
    int64_t authority_expires_at = 0;

    std::string warning(int64_t now_s) const;  // empty: nothing is near its end
  };

  // Clients are asked for a certificate of the authority, and may have none. Files are looked at
  // every second.
  ServerTls(std::filesystem::path folder, Log log);

  // Null until there are files that fit together. TLS 1.3 alone, no session tickets: each
  // connection shows its certificate anew.
  std::shared_ptr<SSL_CTX> context() const;
  State state() const;
  void reload();  // also where the files seem to be the same

 private:
  struct Stamp {
    int64_t inode = 0, size = 0, seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  Stamps stamps() const;
  void look();
  void read_files();
  void warn_daily();

  const std::filesystem::path folder_;
  const Log log_;
  std::mutex reading_;  // one at a time; guards the next two
  Stamps seen_{};
  int64_t warned_day_ = 0;
  mutable std::mutex mutex_;  // guards the next two
  std::shared_ptr<SSL_CTX> context_;
  State state_;
  AlarmClock clock_;  // last: its thread uses all of the above
};

}  // namespace dam::control
