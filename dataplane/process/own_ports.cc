// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/own_ports.h"

namespace dam {
namespace {

constexpr char kSysctl[] = "net.ipv4.ip_local_reserved_ports";

std::string range_of(Ports ports) {
  return std::to_string(ports.first) + "-" + std::to_string(ports.last);
}

}  // namespace

OwnPorts::~OwnPorts() {
  const PortSet own = ports_in(record_);
  if (stay_ || own.none()) return;
  if (const auto now = reserved_ports()) set_reserved_ports(without_ports(*now, own));
}

std::string OwnPorts::reserve(Ports ports) {
  const auto ephemeral = ephemeral_ports();
  const PortSet others = ports_in(reserved_ports().value_or("")) & ~ports_in(record_);
  if (!ephemeral || !overlap(*ephemeral, ports)) return put(others, {}, ports);
  const PortSet more = ports_of(ports) & ~others;
  if (count_free(*ephemeral, text_of(others | more)) >= kLeastEphemeral) {
    return put(others, more, ports);
  }
  const std::string wrong = put(others, {}, ports);
  return wrong.empty() ? too_few_left(*ephemeral, ports) : wrong;
}

// The record is never short of what is reserved for us, whenever this process ends.
std::string OwnPorts::put(const PortSet& others, const PortSet& more, Ports ports) {
  const PortSet before = ports_in(record_);
  const std::string wanted = text_of(others | more);
  if (before == more && text_of(ports_in(reserved_ports().value_or(""))) == wanted) return {};
  keep_ports(record_, before | more);
  if (!set_reserved_ports(wanted)) {
    return "WARNING: the host may use the dam's source ports " + range_of(ports) +
           ", for they cannot be reserved: sysctl -w " + kSysctl + "=" + wanted;
  }
  keep_ports(record_, more);
  if (more.none()) return {};
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
