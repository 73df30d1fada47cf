// SPDX-License-Identifier: BSD-3-Clause
// A network device with the dam's XDP program on it: attached, what would break it switched off,
// and all of that undone at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/policy.h"

namespace dam {

class XdpDevice {
 public:
  // Throws std::runtime_error in words for people.
  XdpDevice(const std::string& name, int program_fd);
  ~XdpDevice();
  XdpDevice(const XdpDevice&) = delete;
  XdpDevice& operator=(const XdpDevice&) = delete;

  const std::string& name() const { return name_; }
  uint32_t ifindex() const { return ifindex_; }
  uint32_t queues() const { return queues_; }
  bool generic() const {
    return generic_;
  }  // the driver knows no XDP: slower, in the kernel's stack
  bool gro_was_on() const { return gro_was_on_; }
  const MacAddress& mac() const { return mac_; }
  const std::vector<std::string>& says() const { return says_; }

 private:
  void switch_off_aggregation();
  void attach(int program_fd);

  std::string name_;
  uint32_t ifindex_ = 0;
  uint32_t queues_ = 1;
  bool generic_ = false;
  MacAddress mac_{};
  int link_ = -1;
  bool gro_was_on_ = false;
  std::vector<std::string> says_;
};

}  // namespace dam
