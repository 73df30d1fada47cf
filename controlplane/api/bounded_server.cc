// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/bounded_server.h"

#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace dam::control {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience(BoundedServer::kPatienceSeconds);

thread_local int serving = -1;      // the socket
thread_local bool lasting = false;  // its answer is a stream

class BoundedStream final : public httplib::Stream {
 public:
  explicit BoundedStream(int fd) : fd_(fd), until_(Clock::now() + kPatience) {}

  bool is_readable() const override { return at_ < have_ || wait(POLLIN); }
  bool is_writable() const override { return wait(POLLOUT); }
  socket_t socket() const override { return fd_; }
  // Nobody asks: the API is on a Unix socket, and /metrics answers all alike.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}

  // The server reads heads byte by byte.
  ssize_t read(char* to, size_t bytes) override {
    if (at_ == have_ && !refill()) return -1;
    const size_t taken = std::min(bytes, have_ - at_);
    std::memcpy(to, buffer_.data() + at_, taken);
    at_ += taken;
    return static_cast<ssize_t>(taken);
  }

  ssize_t write(const char* from, size_t bytes) override {
    if (!answering_ || lasting) until_ = Clock::now() + kPatience;
    answering_ = true;
    if (!wait(POLLOUT)) return -1;
    return send(fd_, from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

 private:
  bool wait(short events) const {
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now());
      if (left.count() <= 0) return false;
      pollfd entry{fd_, events, 0};
      const int ready = poll(&entry, 1, static_cast<int>(left.count()));
      if (ready != 0) return ready > 0 || errno == EINTR;
    }
  }

  bool refill() {
    at_ = have_ = 0;
    if (!wait(POLLIN)) return false;
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    have_ = got > 0 ? static_cast<size_t>(got) : 0;
    return got > 0;
  }

  const int fd_;
  Clock::time_point until_;
  bool answering_ = false;
  std::array<char, 16384> buffer_;
  size_t at_ = 0;
  size_t have_ = 0;
};

std::string calling_user() {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (getsockopt(serving, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || peer.pid == 0) return "";
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(peer.uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(peer.uid);
}

}  // namespace

Caller socket_caller(const httplib::Request& /*request*/) {
  return {calling_user(), Role::admin, ""};
}

Caller scraper(const httplib::Request& /*request*/) { return {"scraper", Role::viewer, ""}; }

void let_answer_last() { lasting = true; }

BoundedServer::BoundedServer() {
  new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
}

bool BoundedServer::process_and_close_socket(socket_t socket) {
  BoundedStream stream(socket);
  bool closed = false;
  serving = socket;
  lasting = false;
  const bool served = process_request(stream, true, closed, nullptr);
  serving = -1;
  shutdown(socket, SHUT_RDWR);
  close(socket);
  return served;
}

}  // namespace dam::control
