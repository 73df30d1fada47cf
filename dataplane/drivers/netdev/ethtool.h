// SPDX-License-Identifier: BSD-3-Clause
// Requests to a network device by ioctl; not by /sys, which shows the namespace it was mounted in.
#pragma once

#include <net/if.h>

#include <map>
#include <string>

namespace dam {

// SIOC…: false, with errno, when the kernel refuses.
bool ask_device(const std::string& device, unsigned long request, ifreq& answer);
// `command` begins with ETHTOOL_….
bool ask_ethtool(const std::string& device, void* command);

// "veth", "ixgbe", …; empty when unknown.
std::string driver_of(const std::string& device);

struct Feature {
  bool on = false;
  bool changeable = false;
};
// What `ethtool -k` shows, by the kernel's own names ("rx-gro"); empty for a device that is not
// there.
std::map<std::string, Feature> features_of(const std::string& device);
// True: it is so now.
bool switch_feature(const std::string& device, const std::string& feature, bool on);

}  // namespace dam
