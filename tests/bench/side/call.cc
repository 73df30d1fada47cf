// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/side/call.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace dam::bench::talk {
namespace {

std::array<uint8_t, 1 << 18>& scratch() {
  static std::array<uint8_t, 1 << 18> bytes;
  return bytes;
}

}  // namespace

Call::Call(const sockaddr_in& from, const sockaddr_in& to, const std::vector<uint8_t>& hello,
           Request first)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), hello_(hello), request_(first) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
       errno != EINPROGRESS)) {
    const int error = errno;
    close(fd_);
    throw std::system_error(error, std::generic_category(), "connect");
  }
}

Call::~Call() { close(fd_); }

void Call::say(const void* bytes, size_t count) {
  if (send(fd_, bytes, count, MSG_NOSIGNAL) != static_cast<ssize_t>(count)) state_ = kLost;
}

void Call::await(uint64_t bytes, State state) {
  awaited_ = bytes;
  if (state_ != kLost) state_ = state;
}

void Call::ask(Request request) {
  request_ = request;
  const RequestBytes bytes = write_request(request);
  say(bytes.data(), bytes.size());
  await(request.bytes, kAwaitsAnswer);
}

void Call::on_event() {
  if (state_ == kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lose();
    say(hello_.data(), hello_.size());
    await(kFlight, kAwaitsFlight);
    return;
  }
  for (;;) {
    const ssize_t count = recv(fd_, scratch().data(), scratch().size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      state_ = count == 0 && state_ == kAwaitsEnd ? kOver : kLost;
      return;
    }
    took(static_cast<uint64_t>(count));
    if (state_ == kLost) return;
  }
}

void Call::took(uint64_t bytes) {
  received_ += bytes;
  if (bytes > awaited_) return lose();
  awaited_ -= bytes;
  if (awaited_ > 0) return;
  if (state_ == kAwaitsAnswer) {
    state_ = request_.close ? kAwaitsEnd : kIdle;
    ++answers_;
    return;
  }
  std::array<uint8_t, kFinished + kRequest> both{};
  const RequestBytes request = write_request(request_);
  std::memcpy(both.data() + kFinished, request.data(), request.size());
  say(both.data(), both.size());
  await(request_.bytes, kAwaitsAnswer);
}

}  // namespace dam::bench::talk
