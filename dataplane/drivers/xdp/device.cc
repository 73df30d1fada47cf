// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/device.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace dam {
namespace {

// One request to the device; 0, or -1 with errno.
int ask(const std::string& name, unsigned long request, ifreq& ifr) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::memcpy(ifr.ifr_name, name.c_str(), std::min(name.size() + 1, sizeof ifr.ifr_name));
  const int result = ioctl(fd, request, &ifr);
  const int error = errno;
  close(fd);
  errno = error;
  return result;
}

template <class T>
int ask_ethtool(const std::string& name, T& value) {
  ifreq ifr{};
  ifr.ifr_data = reinterpret_cast<char*>(&value);
  return ask(name, SIOCETHTOOL, ifr);
}

bool is_on(const std::string& name, uint32_t get) {
  ethtool_value value{get, 0};
  return ask_ethtool(name, value) == 0 && value.data != 0;
}

// Large receive offload hides among the flags.
bool switch_lro_off(const std::string& name) {
  ethtool_value value{ETHTOOL_GFLAGS, 0};
  if (ask_ethtool(name, value) != 0 || (value.data & ETH_FLAG_LRO) == 0) return false;
  value.cmd = ETHTOOL_SFLAGS;
  value.data &= ~uint32_t{ETH_FLAG_LRO};
  return ask_ethtool(name, value) == 0;
}

}  // namespace

XdpDevice::XdpDevice(const std::string& name, int program_fd, const Pins* pins,
                     dam_device_changes& changes)
    : name_(name),
      ifindex_(if_nametoindex(name.c_str())),
      stays_(pins != nullptr),
      changes_(changes) {
  if (ifindex_ == 0) {
    throw std::runtime_error("There is no interface \"" + name + "\" in this network namespace.");
  }
  ifreq ifr{};
  if (ask(name, SIOCGIFHWADDR, ifr) == 0) std::memcpy(mac_.data(), ifr.ifr_hwaddr.sa_data, 6);
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ask_ethtool(name, channels) == 0) {
    queues_ = std::max(1u, channels.combined_count + channels.rx_count);
  }
  name.copy(changes_.name, sizeof changes_.name - 1);
  changes_.ifindex = ifindex_;
  switch_off_aggregation();
  if (pins != nullptr && take_over(*pins)) return;
  attach(program_fd);
  if (pins != nullptr) pin(*pins);
}

bool XdpDevice::take_over(const Pins& pins) {
  link_ = bpf_obj_get(pins.link(ifindex_).c_str());
  if (link_ < 0) return false;
  LIBBPF_OPTS(bpf_xdp_query_opts, about);
  generic_ = bpf_xdp_query(static_cast<int>(ifindex_), 0, &about) == 0 &&
             about.attach_mode == XDP_ATTACHED_SKB;
  return true;
}

void XdpDevice::pin(const Pins& pins) const {
  if (bpf_obj_pin(link_, pins.link(ifindex_).c_str()) == 0) return;
  throw std::system_error(errno, std::generic_category(), "Pinning the program of " + name_);
}

void XdpDevice::put_in_force(int program_fd) {
  if (bpf_link_update(link_, program_fd, nullptr) == 0) return;
  throw std::system_error(errno, std::generic_category(), "The program of " + name_);
}

// A frame that was put together from several cannot be translated: its segments are gone.
void XdpDevice::switch_off_aggregation() {
  if (is_on(name_, ETHTOOL_GGRO)) {
    ethtool_value off{ETHTOOL_SGRO, 0};
    changes_.offloads = ask_ethtool(name_, off) == 0 ? 1 : 0;
    says_.push_back(name_ + (changes_.offloads != 0
                                 ? ": gro is off while the dam runs."
                                 : ": gro cannot be switched off: ethtool -K gro off"));
  }
  if (switch_lro_off(name_)) says_.push_back(name_ + ": lro is off.");
}

void XdpDevice::attach(int program_fd) {
  LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
  link_ = bpf_link_create(program_fd, static_cast<int>(ifindex_), BPF_XDP, &native);
  if (link_ >= 0) return;
  const int error = errno;
  if (error == EBUSY || error == EEXIST) {
    throw std::runtime_error("Another XDP program is attached to " + name_ +
                             ". Look at it: ip link show " + name_);
  }
  generic_ = true;
  LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
  link_ = bpf_link_create(program_fd, static_cast<int>(ifindex_), BPF_XDP, &generic);
  if (link_ < 0) {
    throw std::runtime_error("The XDP program cannot be attached to " + name_ + ": " +
                             std::strerror(errno) + ".");
  }
  says_.push_back(name_ + ": its driver takes no XDP program (" + std::strerror(error) +
                  "); the kernel's generic mode is slower.");
}

XdpDevice::~XdpDevice() {
  if (link_ >= 0) close(link_);  // unless it is pinned, the program leaves the device
  if (!stays_ && changes_.offloads != 0) {
    ethtool_value on{ETHTOOL_SGRO, 1};
    ask_ethtool(name_, on);
  }
}

}  // namespace dam
