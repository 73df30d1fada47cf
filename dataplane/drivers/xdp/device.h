// SPDX-License-Identifier: BSD-3-Clause
// A network device with the dam's XDP program on it: attached, what would break it switched off,
// and all of that undone at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/plane.h"
#include "dataplane/drivers/xdp/pins.h"
#include "dataplane/engine/policy.h"

namespace dam {

struct XdpDeviceWish {
  std::string name;
  uint32_t unwanted_offloads = 0;  // enum OffloadBit
  bool generic = false;            // whatever its driver can
  bool beside_others = false;      // in libxdp's dispatcher: needs pins
};

class XdpDevice {
 public:
  // `pins`: the program stays on the device when this process ends, and the program that an earlier
  // one has left there stays until put_in_force(). `changes`: what is switched off on the device,
  // and was by the earlier one. Throws std::runtime_error in words for people.
  XdpDevice(const XdpDeviceWish& wish, int program_fd, const Pins* pins,
            dam_device_changes& changes);
  ~XdpDevice();
  XdpDevice(const XdpDevice&) = delete;
  XdpDevice& operator=(const XdpDevice&) = delete;

  const std::string& name() const { return name_; }
  uint32_t ifindex() const { return ifindex_; }
  uint32_t queues() const { return queues_; }  // by ethtool's count, until set
  void set_queues(uint32_t queues) { queues_ = queues; }
  bool generic() const {
    return generic_;
  }  // the driver knows no XDP: slower, in the kernel's stack
  uint32_t unwanted_offloads() const { return unwanted_; }
  // This program takes the place of the earlier one, between two frames. Throws std::system_error.
  void put_in_force(int program_fd);
  const MacAddress& mac() const { return mac_; }
  const std::vector<std::string>& says() const { return says_; }

 private:
  void switch_off_offloads();
  bool take_over(const Pins& pins);
  void look_at_mode();
  void join(int program_fd, const Pins& pins);
  void attach(int program_fd);
  void refuse_if_taken(int error) const;
  void pin(const Pins& pins) const;

  std::string name_;
  uint32_t ifindex_ = 0;
  uint32_t queues_ = 1;
  bool generic_ = false;
  uint32_t unwanted_ = 0;
  MacAddress mac_{};
  bool beside_others_ = false;
  int link_ = -1;  // or, beside others, the table behind the gate
  bool stays_ = false;
  dam_device_changes& changes_;
  std::vector<std::string> says_;
};

}  // namespace dam
