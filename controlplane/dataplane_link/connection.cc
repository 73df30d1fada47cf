// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/dataplane_link/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/ipc/framing.h"

namespace dam::control {

std::string Connection::open(const std::string& path) {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return "the socket's path is too long";
  std::memcpy(address.sun_path, path.data(), path.size());
  // Not blocking: a dataplane that hangs must not hang its control plane.
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ >= 0 && connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return "";
  }
  std::string wrong = path + ": " + std::strerror(errno);
  close();
  return wrong;
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Connection::wait(short events, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) {
      errno = ETIMEDOUT;
      return false;
    }
    pollfd entry{fd_, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Connection::send_all(const char* data, size_t bytes, Clock::time_point until) {
  while (bytes > 0) {
    const ssize_t sent = send(fd_, data, bytes, MSG_NOSIGNAL);
    if (sent > 0) {
      data += sent;
      bytes -= static_cast<size_t>(sent);
    } else if (errno == EAGAIN ? !wait(POLLOUT, until) : errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool Connection::receive_all(char* data, size_t bytes, Clock::time_point until) {
  while (bytes > 0) {
    const ssize_t got = recv(fd_, data, bytes, 0);
    if (got > 0) {
      data += got;
      bytes -= static_cast<size_t>(got);
    } else if (got == 0) {
      errno = ECONNRESET;
      return false;
    } else if (errno == EAGAIN ? !wait(POLLIN, until) : errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool Connection::exchange(const v1::Request& request, v1::Reply& reply, Clock::time_point until) {
  std::string message = request.SerializeAsString();
  if (message.size() > kMaxMessageBytes) {
    errno = EMSGSIZE;
    return false;
  }
  const auto length = put_length(static_cast<uint32_t>(message.size()));
  if (!send_all(length.data(), length.size(), until)) return false;
  if (!send_all(message.data(), message.size(), until)) return false;
  std::array<char, kLengthBytes> head{};
  if (!receive_all(head.data(), head.size(), until)) return false;
  const uint32_t bytes = get_length(head.data());
  errno = EPROTO;
  if (bytes > kMaxMessageBytes) return false;
  message.resize(bytes);
  if (!receive_all(message.data(), bytes, until)) return false;
  errno = EPROTO;
  return reply.ParseFromString(message);
}

std::optional<v1::Reply> Connection::call(const v1::Request& request,
                                          std::chrono::milliseconds patience, std::string& wrong) {
  v1::Reply reply;
  if (fd_ >= 0 && exchange(request, reply, Clock::now() + patience)) return reply;
  wrong = fd_ < 0 ? "not connected" : std::strerror(errno);
  // Half a message may be on its way: only a fresh connection is in step again.
  close();
  return std::nullopt;
}

}  // namespace dam::control
