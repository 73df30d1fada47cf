// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/doctor/diagnosis.h"

#include <algorithm>

namespace dam::ctl {

namespace {

const char* driver_word(control::Driver driver) {
  if (driver == control::Driver::automatic) return "auto";
  return driver == control::Driver::xdp ? "xdp" : "dpdk";
}

}  // namespace

Wishes wishes_of(const control::Policy& policy) {
  Wishes wishes;
  wishes.driver = driver_word(policy.driver);
  wishes.workers = static_cast<uint32_t>(policy.workers);
  wishes.hugepages_on = policy.hugepages == control::Hugepages::on;
  wishes.hugepages_off = policy.hugepages == control::Hugepages::off;
  wishes.dpdk_bind = policy.dpdk.bind;
  wishes.dpdk_unsafe_noiommu = policy.dpdk.unsafe_noiommu;
  wishes.source_ports = {policy.source_ports.value.first, policy.source_ports.value.last};
  for (const auto& named : policy.interfaces) {
    Wishes::Interface& one = wishes.interfaces.emplace_back();
    one.name = named.name;
    one.device = named.value.device;
    one.vlan = static_cast<uint16_t>(named.value.vlan);
    one.mtu = static_cast<uint32_t>(named.value.mtu);
    one.host_path = named.value.host_path;
    for (const auto& address : named.value.addresses) {
      one.addresses.push_back({address.value.address.text(), address.value.prefix_bits});
    }
  }
  for (const control::Listener& listener : policy.listeners) {
    for (const auto& address : listener.addresses) {
      wishes.taken.push_back(
          {address.value.text(), static_cast<uint16_t>(listener.port), listener.name.value});
    }
  }
  return wishes;
}

long Diagnosis::count(Level level) const {
  const auto of = [level](const std::vector<Finding>& list) {
    return std::count_if(list.begin(), list.end(),
                         [level](const Finding& one) { return one.level == level; });
  };
  long sum = of(machine);
  for (const auto& list : devices) sum += of(list);
  return sum;
}

Diagnosis diagnose(Facts facts) {
  Diagnosis result;
  result.facts = std::move(facts);
  result.machine = findings_of_machine(result.facts);
  for (Finding& one : findings_of_network(result.facts)) result.machine.push_back(std::move(one));
  for (const DeviceFacts& device : result.facts.devices) {
    result.devices.push_back(findings_of_device(result.facts, device));
  }
  return result;
}

const char* word(Level level) {
  constexpr const char* kWords[] = {"fine", "note", "warning", "problem"};
  return kWords[static_cast<size_t>(level)];
}

}  // namespace dam::ctl
