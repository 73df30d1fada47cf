// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/device_watch.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "dataplane/drivers/netdev/offloads.h"

namespace dam {
namespace {

// The interface that a message says to be gone; 0: it says something else.
uint32_t gone_in(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_DELLINK) return 0;
  const auto* about = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  return about->ifi_family == AF_UNSPEC ? static_cast<uint32_t>(about->ifi_index) : 0;
}

}  // namespace

DeviceWatch::DeviceWatch(std::vector<Device> devices)
    : devices_(std::move(devices)),
      socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK)) {
  if (socket_ == nullptr || mnl_socket_bind(socket_.get(), RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
    throw std::system_error(errno, std::generic_category(), "News of the network devices");
  }
}

// Messages tell when to look; what is, the devices themselves tell. So lost ones do no harm.
std::vector<std::string> DeviceWatch::attend() {
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  bool news = false;
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    news |= got > 0 || (got < 0 && errno == ENOBUFS);
    if (got < 0 && errno == ENOBUFS) continue;
    if (got <= 0) break;
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      for (Device& device : devices_) device.went |= gone_in(message) == device.ifindex;
    }
  }
  if (news) {
    for (Device& device : devices_) look_at(device);
  }
  return std::exchange(says_, {});
}

void DeviceWatch::look_at(Device& device) {
  const uint32_t ifindex = if_nametoindex(device.name.c_str());
  if (!device.gone && (device.went || ifindex != device.ifindex)) {
    device.gone = true;
    says_.push_back("WARNING: " + device.name +
                    " is gone. What does not need it goes on; once it is back, the dataplane ends, "
                    "to be started anew.");
  }
  if (device.gone) {
    came_back_ |= ifindex != 0;
    return;
  }
  const uint32_t on = offloads_on(device.name, device.unwanted_offloads);
  if (on == 0) return;
  const uint32_t stuck = switch_offloads_off(device.name, on);
  if ((on & ~stuck) != 0) {
    says_.push_back(device.name + ": somebody switched on " + names_of_offloads(on & ~stuck) +
                    ", which breaks connections: off again.");
  }
  if ((stuck & ~device.stuck) != 0) {
    says_.push_back("WARNING: " + device.name + ": on, and should be off: " +
                    names_of_offloads(stuck) + ": " + command_against(device.name, stuck));
  }
  device.stuck = stuck;
}

}  // namespace dam
