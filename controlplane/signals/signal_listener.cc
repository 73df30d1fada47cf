// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_listener.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "controlplane/signals/signal_line.h"

namespace dam::control {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(500);
constexpr int kPatience_ms = 100;
constexpr int kSocketBuffer = 1 << 20;
constexpr int kMostAtOnce = 1000;  // then it is looked whether the policy has changed

sockaddr_storage raw_address(const SocketAddress& at, socklen_t& length) {
  sockaddr_storage raw{};
  if (at.address.v6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(raw);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(at.port);
    std::memcpy(&six.sin6_addr, at.address.bytes.data(), sizeof six.sin6_addr);
    length = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(raw);
    four.sin_family = AF_INET;
    four.sin_port = htons(at.port);
    std::memcpy(&four.sin_addr, at.address.bytes.data(), sizeof four.sin_addr);
    length = sizeof four;
  }
  return raw;
}

Address address_in(const sockaddr* raw) {
  Address address;
  if (raw->sa_family == AF_INET6) {
    address.v6 = true;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(raw)->sin6_addr, 16);
  } else if (raw->sa_family == AF_INET) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(raw)->sin_addr, 4);
  }
  return address;
}

// The number of the link that an address of this host is on; 0: it is on none.
unsigned link_of(const Address& address) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return 0;
  unsigned link = 0;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    const bool ip = one->ifa_addr != nullptr &&
                    (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
    if (!ip || address_in(one->ifa_addr) != address) continue;
    const std::string name = one->ifa_name;  // or a label of the address, "enp2s0:1"
    link = if_nametoindex(name.substr(0, name.find(':')).c_str());
  }
  freeifaddrs(all);
  return link;
}

void set(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

bool bind_to_link(int fd, unsigned link) {
  char name[IF_NAMESIZE] = "";
  return if_indextoname(link, name) != nullptr &&
         setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
                    static_cast<socklen_t>(std::strlen(name))) == 0;
}

// -1 after `wrong` says why.
int open_socket(const SocketAddress& at, unsigned link, std::string& wrong) {
  if (link == 0) {
    wrong = "this host has no such address";
    return -1;
  }
  const int family = at.address.v6 ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t length = 0;
  const sockaddr_storage raw = raw_address(at, length);
  set(fd, SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  const bool open = fd >= 0 && bind_to_link(fd, link) &&
                    bind(fd, reinterpret_cast<const sockaddr*>(&raw), length) == 0;
  if (open) return fd;
  wrong = std::strerror(errno);
  if (fd >= 0) close(fd);
  return -1;
}

// How many the kernel has dropped so far; nothing: it does not say.
std::optional<uint32_t> dropped_so_far(msghdr& message) {
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t count = 0;
    std::memcpy(&count, CMSG_DATA(one), sizeof count);
    return count;
  }
  return std::nullopt;
}

}  // namespace

SignalListener::SignalListener(Ends ends) : ends_(std::move(ends)), thread_([this] { run(); }) {}

SignalListener::~SignalListener() {
  stopping_.store(true);
  thread_.join();
  close_socket();
}

void SignalListener::close_socket() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  lost_ = 0;
}

void SignalListener::run() {
  auto look_at = std::chrono::steady_clock::now();
  while (!stopping_.load()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= look_at) {
      follow();
      look_at = now + kLookEvery;
    }
    pollfd wanted{fd_, POLLIN, 0};  // -1: only waits
    if (poll(&wanted, 1, kPatience_ms) > 0) receive();
  }
}

// Where the policy wants it; tried again until it works. A link that was made anew has another
// number, and a socket of the old one hears nothing.
void SignalListener::follow() {
  const auto where = ends_.where();
  const unsigned link = where ? link_of(where->address) : 0;
  if (where != where_ || link != link_) close_socket();
  where_ = where;
  link_ = link;
  if (!where || fd_ >= 0) return;
  std::string wrong;
  fd_ = open_socket(*where, link, wrong);
  const std::string sentence =
      fd_ >= 0 ? "hearing servers' signals at " + where->text()
               : "no server's signal is heard at " + where->text() + ": " + wrong;
  if (sentence != said_) ends_.say(sentence);
  said_ = sentence;
}

void SignalListener::receive() {
  std::array<char, kMostDatagramBytes + 1> bytes;  // one more: too long a one is seen to be
  for (int i = 0; i < kMostAtOnce; ++i) {
    sockaddr_storage sender{};
    alignas(cmsghdr) std::array<char, 128> control;
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd_, &message, 0);
    if (size < 0) return;
    if (const auto dropped = dropped_so_far(message); dropped && *dropped != lost_) {
      ends_.lost(*dropped - std::exchange(lost_, *dropped));
    }
    ends_.take(address_in(reinterpret_cast<const sockaddr*>(&sender)),
               {bytes.data(), static_cast<size_t>(size)});
  }
}

}  // namespace dam::control
