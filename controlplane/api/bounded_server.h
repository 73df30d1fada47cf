// SPDX-License-Identifier: BSD-3-Clause
// cpp-httplib's server behind bounds of our own: of the connections (connections.h), of the time of
// each (bounded_stream.h), and with TLS. Why not its own TLS server: its handshake waits for ever
// for a client that sends a byte now and then, and its certificate cannot be replaced.
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/api/bounded_stream.h"
#include "controlplane/api/connections.h"
#include "controlplane/trust/rate_limiter.h"

namespace dam::control {

// The other end of the connection that this thread serves.
struct Peer {
  std::string address;        // of a client on the network
  std::optional<ucred> user;  // of a client on the Unix socket, as the kernel says
  std::vector<gid_t> groups;  // its further groups
  std::string fingerprint;    // of its certificate, verified; empty: it has none
};
const Peer& peer();

// The name of that user; "uid 1000" where it has none, "" over TCP.
std::string calling_user();

// This thread's client has proven who it is: its connection is not pushed out for another one, and
// it may send a body, which may take longer.
void keep_connection();

// The answer of the request that this thread serves may take as long as it likes, as long as its
// client takes each piece of it in time.
void let_answer_last();

// This thread's client has closed its connection: a long answer that has nothing to write for a
// while would not notice.
bool client_has_left();

class BoundedServer : public httplib::Server {
 public:
  // One request a connection, so many at a time; others wait in line.
  static constexpr int kThreads = 16;
  static constexpr int kPatienceSeconds = 5;  // for all of a request, then for all of its answer
  static constexpr int kKnownPatienceSeconds = 60;  // of who is known: 8 MiB over a phone
  static constexpr int kHandshakeSeconds = 3;

  static constexpr Connections::Bounds kUnixBounds{kThreads, 256, 256};
  static constexpr Connections::Bounds kMetricsBounds{4, 16, 16};
  // A thread for each, so that whoever comes is served at once. 16 of one address.
  static constexpr Connections::Bounds kTlsBounds{64, 64, 16};
  // New connections of one address: a handshake costs a signature.
  static constexpr double kConnectionsASecond = 50, kConnectionsBurst = 200;

  // Null while there is no certificate: then connections are closed.
  using Context = std::function<std::shared_ptr<SSL_CTX>()>;

  struct Counts {
    Connections::Counts connections;
    uint64_t too_fast = 0;           // closed before their handshake, by kConnectionsASecond
    uint64_t failed_handshakes = 0;  // strange TLS, another authority, none in time
  };

  // Plain HTTP where `context` is empty. Bounds may be set until it listens.
  explicit BoundedServer(Context context = {});
  ~BoundedServer() override;
  void set_bounds(Connections::Bounds bounds) { bounds_ = bounds; }
  // Once it is bound. cpp-httplib lets 5 wait to be accepted: the sixth of a crowd would come again
  // a second later.
  void widen_backlog() const { ::listen(svr_sock_, kBacklog); }
  Counts counts() const;

 private:
  static constexpr int kBacklog = 1024;

  bool process_and_close_socket(socket_t socket) override;
  void serve(int fd);
  void serve_tls(int fd, SSL_CTX& context);
  void serve_on(BoundedStream& stream);

  const Context context_;
  Connections::Bounds bounds_ = kUnixBounds;
  RateLimiter arrivals_{kConnectionsASecond, kConnectionsBurst};
  std::atomic<uint64_t> too_fast_{0};
  std::atomic<uint64_t> failed_handshakes_{0};
  std::atomic<Connections*> counted_{nullptr};
  std::unique_ptr<Connections> connections_;  // last: its threads use all of the above
};

}  // namespace dam::control
