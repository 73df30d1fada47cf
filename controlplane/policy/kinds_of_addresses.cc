// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/kind_parts.h"

namespace dam::control {

namespace {

constexpr char kAddressPattern[] = "^[0-9a-fA-F.:]+$";
constexpr char kNetworkPattern[] = "^[0-9a-fA-F.:]+(/[0-9]+)?$";
constexpr char kInterfaceAddressPattern[] = "^[0-9a-fA-F.:]+/[0-9]+$";

std::optional<Address> read_host_address(Reader& reader, const YAML::Node& node) {
  const std::string* value = scalar(reader, node, "an IP address");
  if (value == nullptr) return std::nullopt;
  const auto address = parse_address(*value);
  if (!address) {
    reader.wrong(node, "an IP address",
                 parse_network(*value) ? "write it without \"/\" and prefix length" : "");
    return std::nullopt;
  }
  if (!is_host_address(*address)) {
    reader.problems().error(mark_of(node), *value + " is not the address of one host",
                            "unspecified, loopback, multicast and broadcast addresses do not work");
    return std::nullopt;
  }
  return address;
}

std::optional<Network> read_network(Reader& reader, const YAML::Node& node) {
  const std::string* value = scalar(reader, node, "a network such as 198.51.100.0/24");
  if (value == nullptr) return std::nullopt;
  const auto network = parse_network(*value);
  if (!network) {
    reader.wrong(node, "a network such as 198.51.100.0/24 or 2001:db8::/32");
    return std::nullopt;
  }
  if (*network != network->masked()) {
    reader.problems().error(mark_of(node), *value + " has bits set behind its prefix",
                            "write " + network->masked().text() + " or " + network->address.text());
    return std::nullopt;
  }
  return network;
}

std::optional<Network> read_interface_address(Reader& reader, const YAML::Node& node) {
  constexpr char kWhat[] = "an address with its prefix length such as 198.51.100.2/24";
  const std::string* value = scalar(reader, node, kWhat);
  if (value == nullptr) return std::nullopt;
  const auto network = parse_network(*value);
  if (!network || value->find('/') == std::string::npos) {
    reader.wrong(node, kWhat, network ? "append the prefix length, e.g. /24" : "");
    return std::nullopt;
  }
  const bool is_network =
      *network == network->masked() && network->prefix_bits + 1u < network->address.bits();
  if (!is_host_address(network->address) || is_network) {
    reader.problems().error(mark_of(node), *value + " is not the address of one host",
                            "write the dam's own address on this network");
    return std::nullopt;
  }
  return network;
}

}  // namespace

Kind<Address> host_address() {
  return {"an IP address", Json{{"type", "string"}, {"pattern", kAddressPattern}},
          read_host_address};
}

Kind<SocketAddress> socket_address() {
  static constexpr char kWhat[] = "an address and a port such as 198.51.100.2:5514";
  const Json schema = {{"type", "string"}, {"pattern", "^([0-9.]+|\\[[0-9a-fA-F.:]+\\]):[0-9]+$"}};
  return {kWhat, schema,
          [](Reader& reader, const YAML::Node& node) -> std::optional<SocketAddress> {
            const std::string* value = scalar(reader, node, kWhat);
            if (value == nullptr) return std::nullopt;
            const auto read = parse_socket_address(*value);
            if (!read || read->port == 0 || !is_host_address(read->address)) {
              reader.wrong(node, kWhat, "IPv6: \"[2001:db8::2]:5514\"");
              return std::nullopt;
            }
            return read;
          }};
}

Kind<Network> network() {
  return {"a network", Json{{"type", "string"}, {"pattern", kNetworkPattern}}, read_network};
}

Kind<Network> interface_address() {
  return {"an address with its prefix length",
          Json{{"type", "string"}, {"pattern", kInterfaceAddressPattern}}, read_interface_address};
}

}  // namespace dam::control
