// SPDX-License-Identifier: BSD-3-Clause
// What this host does with the network now: its cards, its way out, its neighbours, who listens
// where. Of the network namespace that this program runs in; as root or not. Looks, changes
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dataplane/drivers/netdev/tcp_sockets.h"

namespace dam::ctl {

struct HostLink {
  std::string name;    // "enp1s0"; of a card that the kernel has given up, its PCI address
  std::string driver;  // empty: unknown
  bool up = false;
  uint32_t mtu = 0;
  uint32_t rx_queues = 0;
  uint32_t speed_mbit = 0;             // 0: unknown, or no cable
  std::vector<std::string> addresses;  // "198.51.100.2/24"; link-local ones left out
  std::vector<std::string> leased;     // of these, what the host has for a time only
  std::string configured_by;           // the file that gives it one, now or later; empty: none
  bool bindable = false;               // vfio-pci can have it: a PCI device behind an IOMMU
  uint16_t vlan = 0;                   // of the VLAN device `name` on `port`
  std::string port;
};

struct DefaultRoute {
  std::string device;
  std::string gateway;  // empty: none is needed
};

struct Neighbour {
  std::string device;
  std::string address;
};

struct Listening {
  std::string address;  // "0.0.0.0" and "::": any
  uint16_t port = 0;
  std::string process;  // "sshd (pid 812)"; empty: we may not look

  bool any() const { return address == "0.0.0.0" || address == "::"; }
  // "sshd (pid 812) on port 22"
  std::string text() const;
};

struct HostNetwork {
  std::vector<HostLink> links;  // Ethernet alone; no bridges and tunnels
  std::vector<DefaultRoute> routes;
  std::vector<Neighbour> neighbours;  // that have answered
  std::vector<Listening> listening;   // TCP
  // Who types this, logged in by SSH: from where, and to which address of this host; or empty.
  std::string session_client, session_server;

  const HostLink* link(const std::string& name) const;
};

HostNetwork look_at_network();
std::vector<Listening> look_who_listens();

// `processes`: by the inode of the socket.
std::vector<Listening> listening_among(const std::vector<TcpSocket>& sockets,
                                       const std::map<uint64_t, std::string>& processes);

}  // namespace dam::ctl
