// SPDX-License-Identifier: BSD-3-Clause
// One conversation with a server, as a client's would be through the dam: a connection, the PROXY
// header, a TLS handshake, a request. Never longer than its time; nothing is kept of the server's
// bytes but its status line.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "controlplane/health/certificate.h"
#include "controlplane/health/plan.h"

namespace dam::control {

// What TLS clients trust, by the check's `ca`; read anew every minute.
class Authorities {
 public:
  using Context = std::shared_ptr<SSL_CTX>;
  // Nothing, with the reason in `wrong`: a file that is none, or has no certificates.
  Context of(const std::string& ca, std::string& wrong);

 private:
  struct Entry {
    Context context;
    std::chrono::steady_clock::time_point read_at;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

struct VisitRequest {
  Address address;
  uint16_t port = 0;
  Proxy proxy = Proxy::none;
  std::optional<Address> client;  // whom the header names
  std::string name;               // SNI and Host
  CheckKind kind = CheckKind::tcp;
  bool offer_h2 = false;
  SSL_CTX* context = nullptr;  // of kinds over TLS
  std::string path = "/";
  std::vector<StatusRange> expect;  // empty: the default
  std::chrono::steady_clock::time_point until;
  const std::atomic<bool>* stop = nullptr;  // true: nobody waits for the answer any longer
};

struct Visit {
  enum class Outcome {
    well,
    failed,       // the connection stood, and something after it went wrong
    unreachable,  // no connection: refused, or nobody answered
    impossible    // this host cannot even try: no route, no address, no descriptor
  };
  Outcome outcome = Outcome::failed;
  std::string words;
  double seconds = 0;
  std::optional<ShownCertificate> certificate;
  bool speaks_h2 = false;
};

Visit visit(const VisitRequest& request);

// The header that a check sends: of nobody (v2 LOCAL, v1 UNKNOWN), or of that client.
std::string check_header(Proxy proxy, const std::optional<Address>& client, const Address& server,
                         uint16_t port);

}  // namespace dam::control
