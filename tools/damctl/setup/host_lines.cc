// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/proposals.h"

namespace dam::ctl {

namespace {

std::string rate_text(uint32_t speed_mbit) {
  if (speed_mbit == 0) return "";
  return speed_mbit % 1000 == 0 ? ", " + std::to_string(speed_mbit / 1000) + " Gbit/s"
                                : ", " + std::to_string(speed_mbit) + " Mbit/s";
}

}  // namespace

std::vector<std::string> lines_about(const HostNetwork& network) {
  std::vector<std::string> lines;
  for (const HostLink& link : network.links) {
    std::string line = link.name + ": ";
    if (link.vlan != 0) line += "VLAN " + std::to_string(link.vlan) + " of " + link.port + ", ";
    line += (link.driver.empty() ? "driver unknown" : link.driver) + rate_text(link.speed_mbit);
    if (link.driver != "vfio-pci") {
      line += std::string(link.up ? ", up" : ", down") + ", MTU " + std::to_string(link.mtu) +
              ", " + std::to_string(link.rx_queues) + " queue(s)";
    }
    for (const std::string& address : link.addresses) line += ", " + address;
    for (const DefaultRoute& route : network.routes) {
      if (route.device == link.name)
        line += ", default route" + (route.gateway.empty() ? "" : " via " + route.gateway);
    }
    std::string neighbours;
    for (const Neighbour& one : network.neighbours) {
      if (one.device == link.name) neighbours += (neighbours.empty() ? "" : " ") + one.address;
    }
    if (!neighbours.empty()) line += ", neighbours " + neighbours;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace dam::ctl
