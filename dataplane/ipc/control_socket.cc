// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "dataplane/ipc/framing.h"

namespace dam {
namespace {

constexpr mode_t kOwnerAlone = 0600;
constexpr mode_t kOwnerAndGroup = 0660;
constexpr size_t kReadBytes = 256 << 10;
constexpr auto kMostSilence = std::chrono::seconds(30);  // within one request
constexpr timeval kMostSending = {5, 0};

[[noreturn]] void fail(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), "The control socket " + path);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail(path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool send_all(int fd, const char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    bytes -= static_cast<size_t>(sent);
  }
  return true;
}

bool send_message(int fd, const v1::Reply& reply) {
  const std::string body = reply.SerializeAsString();
  const auto length = put_length(static_cast<uint32_t>(body.size()));
  return send_all(fd, length.data(), length.size()) && send_all(fd, body.data(), body.size());
}

v1::Reply refusal(const std::string& why) {
  v1::Reply reply;
  reply.add_errors(why);
  return reply;
}

// What goes wrong with one request ends neither the process nor the forwarding.
v1::Reply carry_out(const ControlSocket::Handler& handler, const v1::Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& error) {
    return refusal(std::string("The request cannot be carried out: ") + error.what() + ".");
  }
}

// Supplementary ones, as they were when it connected.
std::vector<gid_t> groups_of_peer(int fd) {
  std::vector<gid_t> groups(1024);
  socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  const bool known = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0;
  groups.resize(known ? bytes / sizeof(gid_t) : 0);
  return groups;
}

}  // namespace

ControlSocket::ControlSocket(std::string path, ControlAccess access)
    : path_(std::move(path)), access_(std::move(access)), owner_(geteuid()) {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) fail(path_);
  try {
    bind_and_listen();
  } catch (...) {
    close(listener_);
    throw;
  }
}

// The mode is right from the first moment on: a group comes in only once the file is its own.
void ControlSocket::bind_and_listen() {
  const sockaddr_un address = address_of(path_);
  unlink(path_.c_str());  // of a run before this one
  const mode_t before = umask(~kOwnerAlone & 0777);
  const int bound = bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  umask(before);
  errno = error;
  if (bound != 0) fail(path_);
  if (access_.group && (lchown(path_.c_str(), owner_, *access_.group) != 0 ||
                        chmod(path_.c_str(), kOwnerAndGroup) != 0)) {
    fail(path_);
  }
  if (listen(listener_, 4) != 0) fail(path_);
}

ControlSocket::~ControlSocket() {
  close_client();
  close(listener_);
  unlink(path_.c_str());
}

void ControlSocket::serve(std::chrono::milliseconds timeout, const Handler& handler) {
  std::array<pollfd, 2> fds = {{{client_, POLLIN, 0}, {listener_, POLLIN, 0}}};
  if (poll(fds.data(), fds.size(), static_cast<int>(timeout.count())) < 0) return;
  // The client first: a control plane that restarts closes its old connection before the new one.
  if (client_ >= 0 && fds[0].revents != 0) {
    try {
      read_client(handler);
    } catch (const std::bad_alloc&) {
      refuse("There is no memory for this request.");
    }
  }
  if (fds[1].revents != 0) accept_client();
  if (client_ >= 0 && !received_.empty() && Clock::now() - heard_at_ > kMostSilence) {
    refuse("The rest of a request did not come within 30 seconds.");
  }
}

void ControlSocket::accept_client() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kMostSending, sizeof kMostSending);
  std::string who;
  if (!may_steer(fd, who)) {
    access_.log("Refused on the control socket: " + who + ".");
    send_message(fd, refusal("You may not steer the dam (" + who +
                             "): be root, or in the group that --control-group names."));
    close(fd);
    return;
  }
  if (client_ < 0) {
    client_ = fd;
    return;
  }
  send_message(fd, refusal("Another control plane is connected."));
  close(fd);
}

// The file's mode says the same; but a mode is changed easily, and a file given away.
bool ControlSocket::may_steer(int fd, std::string& who) const {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) return false;
  who = "user " + std::to_string(peer.uid) + ", group " + std::to_string(peer.gid);
  if (peer.uid == 0 || peer.uid == owner_) return true;
  if (!access_.group) return false;
  const std::vector<gid_t> groups = groups_of_peer(fd);
  return peer.gid == *access_.group ||
         std::find(groups.begin(), groups.end(), *access_.group) != groups.end();
}

void ControlSocket::read_client(const Handler& handler) {
  const size_t have = received_.size();
  received_.resize(have + kReadBytes);
  const ssize_t got = recv(client_, received_.data() + have, kReadBytes, MSG_DONTWAIT);
  received_.resize(have + static_cast<size_t>(got > 0 ? got : 0));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close_client();
    return;
  }
  heard_at_ = Clock::now();
  answer_requests(handler);
}

void ControlSocket::answer_requests(const Handler& handler) {
  size_t at = 0;
  while (client_ >= 0 && received_.size() - at >= kLengthBytes) {
    const uint32_t bytes = get_length(received_.data() + at);
    if (bytes > kMaxMessageBytes) {
      refuse("A request of " + std::to_string(bytes) + " bytes is longer than the bound of " +
             std::to_string(kMaxMessageBytes) + ".");
      return;
    }
    if (received_.size() - at - kLengthBytes < bytes) break;
    v1::Request request;
    if (!request.ParseFromArray(received_.data() + at + kLengthBytes, static_cast<int>(bytes))) {
      refuse("A request that is not a message of dam.proto.");
      return;
    }
    at += kLengthBytes + bytes;
    send_reply(carry_out(handler, request));
  }
  if (client_ >= 0) received_.erase(0, at);
  if (received_.empty()) received_.shrink_to_fit();
}

void ControlSocket::send_reply(const v1::Reply& reply) {
  if (!send_message(client_, reply)) close_client();
}

void ControlSocket::refuse(const std::string& why) {
  send_message(client_, refusal(why));
  close_client();
}

void ControlSocket::close_client() {
  if (client_ >= 0) close(client_);
  client_ = -1;
  received_.clear();
  received_.shrink_to_fit();
}

}  // namespace dam
