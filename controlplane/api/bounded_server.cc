// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/bounded_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <utility>

#include "controlplane/api/bounded_stream.h"
#include "controlplane/policy/address.h"
#include "controlplane/trust/certificate.h"

namespace dam::control {

namespace {

constexpr std::chrono::milliseconds kLinger(500);  // for a client to read why it was refused

// What this thread serves.
struct Serving {
  Peer peer;
  BoundedStream* stream = nullptr;
  Connections* connections = nullptr;
  int fd = -1;
};
thread_local Serving serving;

std::optional<Address> address_of(int fd) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) return std::nullopt;
  Address address;
  if (storage.ss_family == AF_INET) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in&>(storage).sin_addr, 4);
  } else if (storage.ss_family == AF_INET6) {
    const uint8_t* from = reinterpret_cast<sockaddr_in6&>(storage).sin6_addr.s6_addr;
    address.v6 = !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr);
    std::memcpy(address.bytes.data(), address.v6 ? from : from + 12, address.v6 ? 16 : 4);
  } else {
    return std::nullopt;
  }
  return address;
}

// One site's IPv6 clients may have any address of their /64; on a link of one's own a /64 is
// everybody.
std::string source_of(int fd) {
  const auto address = address_of(fd);
  if (!address) return "";
  if (!address->v6 || is_private(*address)) return address->text();
  return Network{*address, 64}.masked().text();
}

std::vector<gid_t> groups_of(int fd) {
  std::vector<gid_t> groups(65536);  // NGROUPS_MAX
  socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) bytes = 0;
  groups.resize(bytes / sizeof(gid_t));
  return groups;
}

Peer peer_of(int fd) {
  Peer peer;
  if (const auto address = address_of(fd)) {
    peer.address = address->text();
    return peer;
  }
  ucred user{};
  socklen_t bytes = sizeof user;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &bytes) != 0 || user.pid == 0) return peer;
  peer.user = user;
  peer.groups = groups_of(fd);
  return peer;
}

// Closing with bytes unread would reset the connection, and the answer could be lost with it.
void let_it_read(int fd) {
  using Clock = std::chrono::steady_clock;
  shutdown(fd, SHUT_WR);
  const auto until = Clock::now() + kLinger;
  char bytes[4096];
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd entry{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&entry, 1, static_cast<int>(left.count())) <= 0) return;
    if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) return;
  }
}

// What strangers may wish costs them nothing and us much: the same range two thousand times,
// brotli.
void refuse_wishes(httplib::Request& request) {
  request.ranges.clear();
  request.headers.erase("Accept-Encoding");
}

// Nothing with cpp-httplib of Debian 12; with later ones, whether the job was taken.
using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));

// Each connection is put into the table by the thread that accepts.
class AtOnce final : public httplib::TaskQueue {
 public:
  Enqueued enqueue(std::function<void()> job) override {
    job();
    return Enqueued(true);
  }
  void shutdown() override {}
};

}  // namespace

const Peer& peer() { return serving.peer; }

std::string calling_user() {
  if (!serving.peer.user) return "";
  const uid_t uid = serving.peer.user->uid;
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(uid);
}

void keep_connection() {
  if (serving.stream == nullptr) return;
  // At the end of the process the table is about to go.
  if (serving.connections != nullptr) serving.connections->keep(serving.fd);
  serving.stream->let_it_send();
  if (!serving.peer.address.empty()) {
    serving.stream->be_patient(std::chrono::seconds(BoundedServer::kKnownPatienceSeconds));
  }
}

void let_answer_last() {
  if (serving.stream != nullptr) serving.stream->let_answer_last();
}

bool client_has_left() {
  pollfd entry{serving.fd, POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0;
}

BoundedServer::BoundedServer(Context context) : context_(std::move(context)) {
  new_task_queue = [this] {
    connections_ = std::make_unique<Connections>(bounds_, [this](int fd) { serve(fd); });
    counted_ = connections_.get();
    return new AtOnce;
  };
}

BoundedServer::~BoundedServer() { counted_ = nullptr; }

BoundedServer::Counts BoundedServer::counts() const {
  const Connections* connections = counted_;
  return {connections != nullptr ? connections->counts() : Connections::Counts{}, too_fast_,
          failed_handshakes_};
}

// In the thread that accepts.
bool BoundedServer::process_and_close_socket(socket_t socket) {
  const std::string source = source_of(socket);
  const auto now = RateLimiter::Clock::now();
  if (context_ && arrivals_.wait(source, now) > RateLimiter::Clock::duration::zero()) {
    ++too_fast_;
    close(socket);
    return false;
  }
  connections_->take(socket, source);
  return true;
}

void BoundedServer::serve(int fd) {
  serving = {peer_of(fd), nullptr, counted_, fd};
  if (!context_) {
    SocketStream stream(fd, std::chrono::seconds(kPatienceSeconds));
    serve_on(stream);
  } else if (const std::shared_ptr<SSL_CTX> context = context_()) {
    serve_tls(fd, *context);
  }
  serving = {};
  let_it_read(fd);
}

void BoundedServer::serve_on(BoundedStream& stream) {
  serving.stream = &stream;
  bool closed = false;
  // Later versions of cpp-httplib would be told both addresses, which nobody asks it for.
  const auto process = [&](auto& server) {
    if constexpr (requires { server.process_request(stream, true, closed, refuse_wishes); }) {
      server.process_request(stream, true, closed, refuse_wishes);
    } else {
      server.process_request(stream, "", 0, "", 0, true, closed, refuse_wishes);
    }
  };
  process(*this);
  serving.stream = nullptr;
}

void BoundedServer::serve_tls(int fd, SSL_CTX& context) {
  TlsStream stream(fd, std::chrono::seconds(kHandshakeSeconds), context);
  if (!stream.handshake()) {
    ++failed_handshakes_;
    return;
  }
  stream.be_patient(std::chrono::seconds(kPatienceSeconds));
  if (X509* certificate = stream.peer_certificate()) {
    serving.peer.fingerprint = fingerprint_of(*certificate);
  }
  serve_on(stream);
}

}  // namespace dam::control
