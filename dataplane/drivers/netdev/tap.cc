// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "dataplane/drivers/netdev/interface_state.h"

namespace dam {
namespace {

[[noreturn]] void no_tap(int fd, const std::string& name, const std::string& hint) {
  const int error = errno;
  if (fd >= 0) close(fd);
  throw std::runtime_error("host_path: the host's interface " + name +
                           " cannot be made: " + std::strerror(error) + "." + hint);
}

// udev gives a TAP device a lasting address in the place of its first, random one (systemd.link(5),
// MACAddressPolicy=persistent), at some time after it is there. The one that is wanted comes after
// that: switches and the dam know the host by it.
void wait_for_udev(const std::string& name) {
  if (access("/run/udev/control", F_OK) != 0) return;
  const std::string done = "/run/udev/data/n" + std::to_string(if_nametoindex(name.c_str()));
  constexpr int kTurns = 300;
  for (int turn = 0; turn < kTurns && access(done.c_str(), F_OK) != 0; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

int open_tap(const std::string& name, const std::array<uint8_t, 6>& mac, uint32_t mtu) {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) no_tap(fd, name, " It takes /dev/net/tun: modprobe tun.");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (name.size() >= sizeof request.ifr_name) errno = ENAMETOOLONG;
  if (name.size() >= sizeof request.ifr_name) no_tap(fd, name, "");
  std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
  if (ioctl(fd, TUNSETIFF, &request) != 0) no_tap(fd, name, "");
  wait_for_udev(name);
  if (!set_interface_mac(name, mac) || !set_interface_mtu(name, mtu) ||
      !set_interface_up(name, true)) {
    no_tap(fd, name, "");
  }
  return fd;
}

void set_carrier(int tap, bool on) {
  int carrier = on ? 1 : 0;
  ioctl(tap, TUNSETCARRIER, &carrier);  // since Linux 5.0; without it there is one always
}

}  // namespace dam
