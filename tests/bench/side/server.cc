// SPDX-License-Identifier: BSD-3-Clause
// The server of the side-by-side comparison: one thread, epoll, the conversation of talk.h. On the
// first port each connection must begin with a PROXY header, v1 or v2; on the second none may.
// usage: side_server ADDRESS PROXY_PORT PLAIN_PORT; says what it did when it is told to end
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tests/bench/side/talk.h"

namespace dam::bench::talk {
namespace {

constexpr std::string_view kV2{"\r\n\r\n\0\r\nQUIT\n", 12}, kV1{"PROXY "};
constexpr size_t kLargestHeader = 600;
volatile std::sig_atomic_t told_to_end = 0;

struct Totals {
  uint64_t accepted = 0, served = 0, refused = 0;
};

std::array<uint8_t, 1 << 18>& payload() {
  static std::array<uint8_t, 1 << 18> bytes{};
  return bytes;
}

// How long the PROXY header is: 0 while that cannot be told, -1 when there is none.
int64_t header_bytes(const std::vector<uint8_t>& in) {
  const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
  if (text.size() >= 16 && text.starts_with(kV2)) {
    const auto whole = size_t{16} + (size_t{in[14]} << 8 | in[15]);
    return text.size() >= whole ? static_cast<int64_t>(whole) : 0;
  }
  if (text.starts_with(kV1)) {
    const size_t end = text.find("\r\n");
    return end == std::string_view::npos ? 0 : static_cast<int64_t>(end + 2);
  }
  return text.size() < 16 ? 0 : -1;
}

class Session {
 public:
  Session(int fd, bool proxied) : fd_(fd), turn_(proxied ? kHeader : kHelloTurn) {}
  ~Session() { close(fd_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int fd() const { return fd_; }
  bool wants_to_send() const { return owed_ > 0; }

  // False: it is over.
  bool readable(Totals& totals) {
    std::array<uint8_t, 4096> got;
    const ssize_t count = recv(fd_, got.data(), got.size(), 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    in_.insert(in_.end(), got.begin(), got.begin() + count);
    while (take_turn(totals)) {
    }
    return !refused_ && writable(totals);
  }

  bool writable(Totals& totals) {
    while (owed_ > 0) {
      const size_t most = std::min<uint64_t>(owed_, payload().size());
      const ssize_t count = send(fd_, payload().data(), most, MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN;
      owed_ -= static_cast<uint64_t>(count);
    }
    if (!close_) return true;
    ++totals.served;
    return false;
  }

 private:
  enum Turn : uint8_t { kHeader, kHelloTurn, kFirstRequest, kNextRequest };

  bool take_turn(Totals& totals) {
    switch (turn_) {
      case kHeader:
        return take_header(totals);
      case kHelloTurn:
        if (in_.size() < 5 || in_.size() < 5u + (in_[3] << 8 | in_[4])) return false;
        take(5u + (in_[3] << 8 | in_[4]));
        owed_ += kFlight;
        turn_ = kFirstRequest;
        return true;
      case kFirstRequest:
      case kNextRequest:
        break;
    }
    const size_t skip = turn_ == kFirstRequest ? kFinished : 0;
    if (in_.size() < skip + kRequest) return false;
    const Request request = read_request(in_.data() + skip);
    take(skip + kRequest);
    owed_ += request.bytes;
    close_ = request.close;
    turn_ = kNextRequest;
    return true;
  }

  bool take_header(Totals& totals) {
    const int64_t length = header_bytes(in_);
    if (length == 0 && in_.size() < kLargestHeader) return false;
    if (length <= 0) {
      ++totals.refused;
      refused_ = true;
      return false;
    }
    take(static_cast<size_t>(length));
    turn_ = kHelloTurn;
    return true;
  }

  void take(size_t count) { in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(count)); }

  int fd_;
  Turn turn_;
  bool close_ = false;
  bool refused_ = false;
  uint64_t owed_ = 0;
  std::vector<uint8_t> in_;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(const char* address, const char* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  return fd;
}

class Server {
 public:
  Server(const char* address, const char* proxied, const char* plain)
      : listeners_{listen_on(address, proxied), listen_on(address, plain)} {
    for (int& one : listeners_) watch(EPOLL_CTL_ADD, one, &one, false);
  }

  void run() {
    std::array<epoll_event, 256> events;
    while (told_to_end == 0) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) serve(events[static_cast<size_t>(i)]);
    }
    for (Session* one : sessions_) delete one;
    std::printf("{\"accepted\": %" PRIu64 ", \"served\": %" PRIu64 ", \"refused\": %" PRIu64 "}\n",
                totals_.accepted, totals_.served, totals_.refused);
  }

 private:
  void watch(int operation, int fd, void* what, bool send) const {
    epoll_event event{};
    event.events = EPOLLIN | (send ? EPOLLOUT : 0u);
    event.data.ptr = what;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void serve(const epoll_event& event) {
    for (int& one : listeners_) {
      if (event.data.ptr == &one) return accept_all(one, &one == listeners_.data());
    }
    auto* session = static_cast<Session*>(event.data.ptr);
    const bool sent_before = session->wants_to_send();
    bool alive = true;
    if ((event.events & EPOLLOUT) != 0) alive = session->writable(totals_);
    if (alive && (event.events & ~uint32_t{EPOLLOUT}) != 0) alive = session->readable(totals_);
    if (!alive) {
      sessions_.erase(session);
      delete session;
    } else if (session->wants_to_send() != sent_before) {
      watch(EPOLL_CTL_MOD, session->fd(), session, session->wants_to_send());
    }
  }

  void accept_all(int listener, bool proxied) {
    int fd = -1;
    while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
      ++totals_.accepted;
      auto* session = new Session(fd, proxied);
      sessions_.insert(session);
      watch(EPOLL_CTL_ADD, fd, session, false);
    }
  }

  int epoll_ = epoll_create1(0);
  std::array<int, 2> listeners_;
  std::unordered_set<Session*> sessions_;
  Totals totals_;
};

}  // namespace
}  // namespace dam::bench::talk

int main(int argc, char** argv) {
  using namespace dam::bench::talk;
  if (argc != 4) {
    std::fprintf(stderr, "usage: side_server ADDRESS PROXY_PORT PLAIN_PORT\n");
    return 2;
  }
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_end = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  Server(argv[1], argv[2], argv[3]).run();
}
