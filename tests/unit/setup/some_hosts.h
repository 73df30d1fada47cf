// SPDX-License-Identifier: BSD-3-Clause
// Edge hosts as setup would see them.
#pragma once

#include "tools/damctl/setup/proposals.h"

namespace dam::ctl {

inline HostLink card(const std::string& name, Strings addresses, bool up = true) {
  HostLink link;
  link.name = name;
  link.driver = "igc";
  link.up = up;
  link.mtu = 1500;
  link.rx_queues = 4;
  link.speed_mbit = 2500;
  link.addresses = std::move(addresses);
  return link;
}

inline HostLink vlan_of(const std::string& port, uint16_t vlan, Strings addresses) {
  HostLink link = card(port + "." + std::to_string(vlan), std::move(addresses));
  link.vlan = vlan;
  link.port = port;
  return link;
}

// One card, a router behind it.
inline Host small_host() {
  Host host;
  host.network.links = {card("eth0", {"192.168.1.2/24", "2001:db8:1::2/64"})};
  host.network.routes = {{"eth0", "192.168.1.1"}, {"eth0", "fe80::1"}};
  host.network.neighbours = {{"eth0", "192.168.1.1"}};
  host.choose = [](const std::vector<std::string>& devices) {
    return DriverChoice{"xdp", "the host has addresses on " + devices.front()};
  };
  host.proxy_of = [](const std::string&, uint16_t) { return std::string("v2"); };
  return host;
}

inline Host host_with_three_cards() {
  Host host = small_host();
  host.network.links = {card("eth2", {"198.18.2.1/24"}), card("eth0", {"192.168.1.2/24"}),
                        card("eth1", {"198.18.1.1/24"}), card("eth3", {}, false)};
  host.network.routes = {{"eth0", "192.168.1.1"}};
  host.network.neighbours = {
      {"eth0", "192.168.1.1"}, {"eth2", "198.18.2.10"}, {"eth1", "198.18.1.10"}};
  return host;
}

inline Host host_with_vlans() {
  Host host = small_host();
  host.network.links.push_back(vlan_of("eth0", 10, {"198.18.1.1/24"}));
  host.network.links.push_back(vlan_of("eth0", 20, {"198.18.2.1/24"}));
  return host;
}

}  // namespace dam::ctl
