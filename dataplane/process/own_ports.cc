// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/own_ports.h"

namespace dam {
namespace {

constexpr char kSysctl[] = "net.ipv4.ip_local_reserved_ports";

std::string range_of(Ports ports) {
  return std::to_string(ports.first) + "-" + std::to_string(ports.last);
}

}  // namespace

OwnPorts::OwnPorts(bool stay, std::optional<Ports> standing)
    : stay_(stay), now_(reserved_ports().value_or("")) {
  before_ = standing ? without_ports(now_, *standing) : now_;
}

OwnPorts::~OwnPorts() {
  if (!stay_ && now_ != before_) set_reserved_ports(before_);
}

std::string OwnPorts::reserve(Ports ports) {
  const auto ephemeral = ephemeral_ports();
  if (!ephemeral || !overlap(*ephemeral, ports)) return put(before_, ports);
  const std::string wanted = with_ports(before_, ports);
  if (count_free(*ephemeral, wanted) < kLeastEphemeral) {
    const std::string wrong = put(before_, ports);
    return wrong.empty() ? too_few_left(*ephemeral, ports) : wrong;
  }
  return put(wanted, ports);
}

std::string OwnPorts::put(const std::string& reserved, Ports ports) {
  if (reserved == now_) return {};
  if (!set_reserved_ports(reserved)) {
    return "WARNING: the host may use the dam's source ports " + range_of(ports) +
           ", for they cannot be reserved: sysctl -w " + kSysctl + "=" + reserved;
  }
  now_ = reserved;
  if (reserved == before_) return {};
  return "Ports " + range_of(ports) + " are reserved (" + kSysctl +
         "): the host opens no connections from them while the dam runs.";
}

std::string too_few_left(Ports ephemeral, Ports ports) {
  return "WARNING: source_ports " + range_of(ports) + " would leave the host fewer than " +
         std::to_string(kLeastEphemeral) + " of its own ports (net.ipv4.ip_local_port_range " +
         range_of(ephemeral) +
         "), so none are reserved: a connection of the host's own to a server may be taken for the "
         "dam's. Choose for example  source_ports: 1024-" +
         std::to_string(ephemeral.first > 2048 ? ephemeral.first - 1 : 32767) + "  in dam.yaml.";
}

}  // namespace dam
