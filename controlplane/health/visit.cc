// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/visit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dam::control {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr size_t kMostStatusLine = 256;
constexpr auto kTcpPatience = 300ms;  // who does not like the header says so at once
constexpr uint16_t kClientPort = 40'000;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// False: the time is over, or errno says why.
bool wait_for(int fd, short events, const VisitRequest& request, Clock::time_point until) {
  constexpr std::chrono::milliseconds kSlice = 200ms;  // so soon it is noticed that nobody waits
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0 || (request.stop != nullptr && *request.stop)) {
      errno = ETIMEDOUT;
      return false;
    }
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::min(left, kSlice).count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

socklen_t fill(sockaddr_storage& to, const Address& address, uint16_t port) {
  if (address.v6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&to);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    std::memcpy(&v6->sin6_addr, address.bytes.data(), 16);
    return sizeof *v6;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&to);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  std::memcpy(&v4->sin_addr, address.bytes.data(), 4);
  return sizeof *v4;
}

// 0, or the errno of what kept it from standing.
int connect_to(const Socket& socket, const VisitRequest& request) {
  sockaddr_storage to{};
  const socklen_t bytes = fill(to, request.address, request.port);
  const int on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(socket.fd(), reinterpret_cast<sockaddr*>(&to), bytes) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(socket.fd(), POLLOUT, request, request.until)) return errno;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Visit no_connection(int error) {
  Visit result;
  const bool tried =
      error == ECONNREFUSED || error == ETIMEDOUT || error == EHOSTUNREACH || error == ECONNRESET;
  result.outcome = tried ? Visit::Outcome::unreachable : Visit::Outcome::impossible;
  result.words = error == ECONNREFUSED ? "refuses the connection: nothing listens there"
                 : error == ETIMEDOUT  ? "no answer in time"
                                       : std::strerror(error);
  return result;
}

// Whole, in one segment: nginx and HAProxy reset a connection whose header comes in two.
bool send_header(const Socket& socket, const std::string& header) {
  return header.empty() || send(socket.fd(), header.data(), header.size(), MSG_NOSIGNAL) ==
                               static_cast<ssize_t>(header.size());
}

// What is said to a server that speaks when it likes: it must merely not hang up.
void stay(const Socket& socket, const VisitRequest& request, Visit& result) {
  const auto until = std::min(request.until, Clock::now() + kTcpPatience);
  char byte = 0;
  result.outcome = Visit::Outcome::well;
  result.words = "connected";
  if (!wait_for(socket.fd(), POLLIN, request, until)) return;
  if (recv(socket.fd(), &byte, 1, 0) > 0) return;
  result.outcome = Visit::Outcome::failed;
  result.words = "hangs up at once";
}

// What TLS calls return is waited upon; false: it is over, with words.
bool go_on(SSL* ssl, int returned, const VisitRequest& request, Visit& result) {
  const int saved = errno;
  const int why = SSL_get_error(ssl, returned);
  const bool wants = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
  if (wants) {
    const short events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (wait_for(SSL_get_fd(ssl), events, request, request.until)) return true;
    result.words = "no answer in time";
    return false;
  }
  const unsigned long code = ERR_get_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  if (reason != nullptr && std::strcmp(reason, "unexpected eof while reading") != 0) {
    result.words = reason;
  } else {
    result.words = saved == ECONNRESET ? "resets the connection" : "hangs up";
  }
  return false;
}

bool handshake(SSL* ssl, const VisitRequest& request, Visit& result) {
  static const unsigned char kBoth[] = "\x02h2\x08http/1.1";
  const unsigned char* protocols = request.offer_h2 ? kBoth : kBoth + 3;
  const unsigned bytes = request.offer_h2 ? 12 : 9;
  SSL_set_alpn_protos(ssl, protocols, bytes);
  if (!request.name.empty()) SSL_set_tlsext_host_name(ssl, request.name.c_str());
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int done = SSL_connect(ssl);
    if (done == 1) break;
    if (!go_on(ssl, done, request, result)) {
      result.words = "TLS handshake: " + result.words;
      return false;
    }
  }
  result.certificate.emplace(ssl);
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &chosen, &length);
  result.speaks_h2 = length == 2 && std::memcmp(chosen, "h2", 2) == 0;
  return true;
}

std::string request_text(const VisitRequest& request) {
  const std::string literal =
      request.address.v6 ? "[" + request.address.text() + "]" : request.address.text();
  return "GET " + request.path +
         " HTTP/1.1\r\nHost: " + (request.name.empty() ? literal : request.name) +
         "\r\nUser-Agent: traffic-dam-check\r\nConnection: close\r\n\r\n";
}

bool is_expected(const VisitRequest& request, int status) {
  const std::vector<StatusRange> fallback{StatusRange{}};
  const auto& ranges = request.expect.empty() ? fallback : request.expect;
  return std::any_of(ranges.begin(), ranges.end(), [status](const StatusRange& range) {
    return status >= range.first && status <= range.last;
  });
}

void read_status(const std::string& line, const VisitRequest& request, Visit& result) {
  const bool http = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                    std::all_of(line.begin() + 9, line.begin() + 12,
                                [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!http) {
    result.words = line.empty() ? "hangs up instead of answering the request"
                                : "answers the request with something else than HTTP";
    return;
  }
  const int status = std::stoi(line.substr(9, 3));
  result.words = "HTTP status " + std::to_string(status);
  if (is_expected(request, status)) {
    result.outcome = Visit::Outcome::well;
  } else {
    result.words += ", which is not among those expected";
  }
}

// `write` and `read` return as send() and recv() do, and wait as long as they may; -1 with words.
template <class Write, class Read>
void ask(const VisitRequest& request, Visit& result, Write write, Read read) {
  const std::string text = request_text(request);
  for (size_t sent = 0; sent < text.size();) {
    const long done = write(text.data() + sent, text.size() - sent);
    if (done < 0) return;
    sent += static_cast<size_t>(done);
  }
  std::string line;
  char bytes[kMostStatusLine];
  while (line.size() < kMostStatusLine && line.find('\n') == std::string::npos) {
    const long got = read(bytes, sizeof bytes);
    if (got < 0) return;
    if (got == 0) break;
    line.append(bytes, static_cast<size_t>(got));
  }
  read_status(line, request, result);
}

void ask_over_tls(SSL* ssl, const VisitRequest& request, Visit& result) {
  const auto each = [&](auto call) -> long {
    while (true) {
      ERR_clear_error();
      errno = 0;
      size_t done = 0;
      const int ok = call(&done);
      if (ok == 1) return static_cast<long>(done);
      if (SSL_get_error(ssl, ok) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!go_on(ssl, ok, request, result)) return -1;
    }
  };
  ask(
      request, result,
      [&](const char* data, size_t bytes) {
        return each([=](size_t* done) { return SSL_write_ex(ssl, data, bytes, done); });
      },
      [&](char* to, size_t bytes) {
        return each([=](size_t* done) { return SSL_read_ex(ssl, to, bytes, done); });
      });
}

void ask_plainly(const Socket& socket, const VisitRequest& request, Visit& result) {
  const auto each = [&](short events, auto call) -> long {
    while (true) {
      const ssize_t done = call();
      if (done >= 0) return done;
      if (errno == EAGAIN && wait_for(socket.fd(), events, request, request.until)) continue;
      if (errno == EINTR) continue;
      result.words = errno == ETIMEDOUT ? "no answer in time" : "resets the connection";
      return -1;
    }
  };
  ask(
      request, result,
      [&](const char* data, size_t bytes) {
        return each(POLLOUT, [=, &socket] { return send(socket.fd(), data, bytes, MSG_NOSIGNAL); });
      },
      [&](char* to, size_t bytes) {
        return each(POLLIN, [=, &socket] { return recv(socket.fd(), to, bytes, 0); });
      });
}

void speak_tls(const Socket& socket, const VisitRequest& request, Visit& result) {
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(request.context), SSL_free);
  if (ssl == nullptr || SSL_set_fd(ssl.get(), socket.fd()) != 1) {
    result.outcome = Visit::Outcome::impossible;
    result.words = "no memory for TLS";
    return;
  }
  if (!handshake(ssl.get(), request, result)) return;
  if (request.kind == CheckKind::https) return ask_over_tls(ssl.get(), request, result);
  result.outcome = Visit::Outcome::well;
  result.words = std::string("handshake with ") + SSL_get_version(ssl.get());
}

void converse(const Socket& socket, const VisitRequest& request, Visit& result) {
  if (!send_header(socket,
                   check_header(request.proxy, request.client, request.address, request.port))) {
    result.words = "resets the connection";
    return;
  }
  if (request.kind == CheckKind::http) return ask_plainly(socket, request, result);
  if (request.kind == CheckKind::tcp) return stay(socket, request, result);
  speak_tls(socket, request, result);
}

}  // namespace

std::string check_header(Proxy proxy, const std::optional<Address>& client, const Address& server,
                         uint16_t port) {
  if (proxy == Proxy::none) return "";
  const Address to = client && client->v6 == server.v6 ? server : client.value_or(server);
  if (proxy == Proxy::v1) {
    if (!client) return "PROXY UNKNOWN\r\n";
    return std::string("PROXY ") + (client->v6 ? "TCP6 " : "TCP4 ") + client->text() + " " +
           to.text() + " " + std::to_string(kClientPort) + " " + std::to_string(port) + "\r\n";
  }
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  if (!client) return header + std::string("\x20\0\0\0", 4);  // version 2, LOCAL, no addresses
  const std::string addresses = client->wire() + to.wire();
  const uint16_t ports[2] = {htons(kClientPort), htons(port)};
  header += '\x21';
  header += client->v6 ? '\x21' : '\x11';
  header += '\0';
  header += static_cast<char>(addresses.size() + sizeof ports);
  return header + addresses + std::string(reinterpret_cast<const char*>(ports), sizeof ports);
}

Visit visit(const VisitRequest& request) {
  const auto begin = Clock::now();
  const int family = request.address.v6 ? AF_INET6 : AF_INET;
  const Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int error = socket.fd() < 0 ? errno : connect_to(socket, request);
  Visit result;
  if (error != 0) {
    result = no_connection(error);
  } else {
    converse(socket, request, result);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return result;
}

Authorities::Context Authorities::of(const std::string& ca, std::string& wrong) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  Entry& entry = entries_[ca];
  if (entry.context != nullptr && now - entry.read_at < 1min) return entry.context;
  Context fresh(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (fresh == nullptr) {
    wrong = "no memory for TLS";
    return nullptr;
  }
  SSL_CTX_set_verify(fresh.get(), SSL_VERIFY_NONE, nullptr);  // judged afterwards, in words
  SSL_CTX_set_session_cache_mode(fresh.get(), SSL_SESS_CACHE_OFF);
  if (ca.empty() || ca == "system") {
    SSL_CTX_set_default_verify_paths(fresh.get());
  } else if (ca != "none" && SSL_CTX_load_verify_locations(fresh.get(), ca.c_str(), nullptr) != 1) {
    wrong = ca + " cannot be read, or holds no certificate";
    return nullptr;
  }
  entry = {fresh, now};
  return fresh;
}

}  // namespace dam::control
