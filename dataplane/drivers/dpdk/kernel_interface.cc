// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/kernel_interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace dam {
namespace {

class Asker {
 public:
  explicit Asker(const std::string& name) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::strncpy(request_.ifr_name, name.c_str(), sizeof request_.ifr_name - 1);
  }
  ~Asker() { close(fd_); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  bool ask(unsigned long what) { return ioctl(fd_, what, &request_) == 0; }
  bool ask_ethtool(void* command) {
    request_.ifr_data = static_cast<char*>(command);
    return ask(SIOCETHTOOL);
  }
  const ifreq& answer() const { return request_; }

 private:
  int fd_;
  ifreq request_{};
};

}  // namespace

KernelInterface inspect_interface(const std::string& name) {
  KernelInterface result;
  Asker asker(name);
  if (name.size() >= IFNAMSIZ || !asker.ask(SIOCGIFFLAGS)) return result;
  result.exists = true;
  result.up = (asker.answer().ifr_flags & IFF_UP) != 0;
  result.promiscuous = (asker.answer().ifr_flags & IFF_PROMISC) != 0;
  if (asker.ask(SIOCGIFMTU)) result.mtu = static_cast<uint32_t>(asker.answer().ifr_mtu);
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (asker.ask_ethtool(&channels)) {
    result.rx_queues = std::max(1u, channels.combined_count + channels.rx_count);
    result.tx_queues = std::max(1u, channels.combined_count + channels.tx_count);
  }
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (asker.ask_ethtool(&info))
    result.driver.assign(info.driver, strnlen(info.driver, sizeof info.driver));
  return result;
}

}  // namespace dam
