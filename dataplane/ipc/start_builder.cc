// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/start_builder.h"

#include <algorithm>
#include <map>
#include <set>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/device_name.h"
#include "dataplane/ipc/errors.h"
#include "dataplane/ipc/policy_checks.h"
#include "dataplane/ipc/wire_address.h"

namespace dam {
namespace {

constexpr int kMaxInterfaces = 32;
constexpr uint32_t kLeastMtu = 1280;  // RFC 8200 5
constexpr uint32_t kMostMtu = 1500;   // kFrameBytes: no frame that the dam makes is larger
constexpr uint64_t kMostHoldBytes = 0xffffffffu;

// 0 stands for the default.
uint32_t read_size(const char* name, uint64_t value, uint64_t least, uint64_t most,
                   uint32_t fallback, Errors& errors) {
  if (value == 0) return fallback;
  errors.require(value >= least && value <= most, std::string("Limit ") + name + " is " +
                                                      std::to_string(value) + "; it lies between " +
                                                      std::to_string(least) + " and " +
                                                      std::to_string(most) + ".");
  return static_cast<uint32_t>(value);
}

Limits read_tables(const v1::Limits& message, Errors& errors) {
  Limits limits;
  limits.flows = read_size("flows", message.flows(), 64, 1u << 26, limits.flows, errors);
  limits.half_open =
      read_size("half_open", message.half_open(), 16, 1u << 22, limits.half_open, errors);
  limits.sources = read_size("sources", message.sources(), 64, 1u << 26, limits.sources, errors);
  limits.hold_bytes = read_size("hold_bytes", message.hold_bytes(), 1u << 16, kMostHoldBytes,
                                limits.hold_bytes, errors);
  limits.hello_bytes = read_size("hello_bytes", message.hello_bytes(), kLeastHelloBytes,
                                 kMostHelloBytes, limits.hello_bytes, errors);
  return limits;
}

Hugepages read_hugepages(const std::string& word, Errors& errors) {
  if (word == "on") return Hugepages::on;
  if (word == "off") return Hugepages::off;
  errors.require(word.empty() || word == "auto",
                 "hugepages is \"" + word + "\"; it is \"auto\", \"on\" or \"off\".");
  return Hugepages::automatic;
}

void read_addresses(const std::string& where, const v1::Interface& message, Interface& interface,
                    Errors& errors) {
  errors.require(message.addresses_size() > 0, where + " has no address.");
  for (const v1::Subnet& subnet : message.addresses()) {
    const auto address = read_address(subnet.address());
    const auto bits = read_prefix_bits(subnet.address(), subnet.prefix_bits());
    if (errors.require(address && bits,
                       where + ": an address has 4 (IPv4) or 16 (IPv6) bytes and a prefix that is "
                               "no longer than it.")) {
      interface.subnets.push_back({*address, *bits});
    }
  }
  bool have[2] = {false, false};
  for (const std::string& wire : message.gateways()) {
    const auto gateway = read_address(wire);
    if (!errors.require(gateway.has_value(), where + ": a gateway has 4 or 16 bytes.")) continue;
    const int family = dam_address_is_v4(&*gateway) ? 0 : 1;
    errors.require(!have[family], where + ": at most one gateway for IPv4 and one for IPv6.");
    have[family] = true;
    interface.gateways.push_back(*gateway);
  }
}

Interface read_interface(const v1::Interface& message, Errors& errors) {
  const std::string where = "Interface \"" + message.name() + "\"";
  check_name(where, message.name(), errors);
  const std::string wrong = wrong_with_device(message.device());
  errors.require(wrong.empty(), where + ": " + wrong + ".");
  errors.require(message.vlan() <= 4094, where + ": a VLAN identifier is at most 4094.");
  errors.require(message.mtu() == 0 || (message.mtu() >= kLeastMtu && message.mtu() <= kMostMtu),
                 where + ": an MTU lies between 1280 and 1500.");
  Interface interface;
  interface.name = message.name();
  interface.vlan = message.vlan() == 0 ? static_cast<uint16_t>(DAM_VLAN_NONE)
                                       : static_cast<uint16_t>(message.vlan());
  if (message.mtu() != 0) interface.mtu = static_cast<uint16_t>(message.mtu());
  errors.require(v1::HostPath_IsValid(message.host_path()), where + ": no such host_path.");
  interface.host_path = message.host_path() == v1::HOST_PATH_OPEN;
  read_addresses(where, message, interface, errors);
  return interface;
}

HostPathWish host_path_of(const v1::Interface& message) {
  if (message.host_path() == v1::HOST_PATH_OPEN) return HostPathWish::open;
  return message.host_path() == v1::HOST_PATH_NONE ? HostPathWish::none : HostPathWish::unsaid;
}

// One device for each distinct name; queues: one a worker, unless the message knows better.
void add_device(const v1::Interface& message, Interface& interface, StartConfig& config,
                Errors& errors) {
  const auto known = std::find_if(
      config.devices.begin(), config.devices.end(),
      [&message](const DeviceConfig& device) { return device.device == message.device(); });
  interface.port = static_cast<uint8_t>(known - config.devices.begin());
  if (known == config.devices.end()) {
    config.devices.push_back(
        {message.device(), config.workers, interface.mtu, host_path_of(message)});
  } else {
    known->mtu = std::max(known->mtu, interface.mtu);
    errors.require(known->host_path == host_path_of(message),
                   "Interface \"" + message.name() +
                       "\": host_path is for the whole device, and must be the same for all "
                       "interfaces on it.");
  }
  if (interface.vlan != DAM_VLAN_NONE)
    config.devices[interface.port].vlans.push_back(interface.vlan);
  errors.require(message.queues() == 0 || message.queues() == config.workers,
                 "Interface \"" + message.name() + "\": " + std::to_string(message.queues()) +
                     " queues for " + std::to_string(config.workers) +
                     " workers; each worker has one queue of its own.");
}

}  // namespace

StartResult read_start(const v1::Start& start) {
  Errors errors;
  StartConfig config;
  config.driver = start.driver();
  errors.require(config.driver == "dpdk" || config.driver == "xdp" || config.driver == "auto",
                 "The driver is \"" + config.driver + "\"; it is \"auto\", \"dpdk\" or \"xdp\".");
  config.workers = start.workers() == 0 ? 1 : start.workers();
  errors.require(config.workers <= DAM_MAX_WORKERS,
                 "At most " + std::to_string(DAM_MAX_WORKERS) + " workers are possible.");
  config.hugepages = read_hugepages(start.hugepages(), errors);
  config.memory_mib = start.memory_mib();
  config.xdp_beside_others = start.xdp_beside_others();
  config.dpdk_bind = start.dpdk_bind();
  config.dpdk_unsafe_noiommu = start.dpdk_unsafe_noiommu();
  errors.require(config.memory_mib <= 1u << 20, "memory_mib is more than a terabyte.");
  errors.require(start.interfaces_size() > 0, "There is no interface.");
  errors.require(start.interfaces_size() <= kMaxInterfaces,
                 "At most " + std::to_string(kMaxInterfaces) + " interfaces are possible.");
  if (start.interfaces_size() <= kMaxInterfaces) {
    std::set<std::pair<std::string, uint32_t>> seen;
    for (const v1::Interface& message : start.interfaces()) {
      Interface interface = read_interface(message, errors);
      errors.require(seen.emplace(message.device(), message.vlan()).second,
                     "Interface \"" + message.name() + "\": its device and VLAN are taken.");
      add_device(message, interface, config, errors);
      config.interfaces.push_back(std::move(interface));
    }
  }
  config.limits = read_tables(start.limits(), errors);
  if (errors.empty()) return {std::move(config), {}};
  return {std::nullopt, errors.take()};
}

}  // namespace dam
