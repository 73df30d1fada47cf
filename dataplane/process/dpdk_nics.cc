// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/dpdk_nics.h"

#include <algorithm>

#include "dataplane/process/say.h"

namespace dam {
namespace {

bool is_taken(const DeviceConfig& device, const StartConfig& config) {
  return is_taken_by_dpdk(device.device, config.dpdk_bind);
}

NicWish wish_of(const DeviceConfig& device) {
  switch (device.host_path) {
    case HostPathWish::open:
      return {device.device, HostShare::path};
    case HostPathWish::none:
      return {device.device, HostShare::none};
    case HostPathWish::unsaid:
      break;
  }
  return {device.device, HostShare::unsaid};
}

NicRules rules_of(const StartConfig& config) {
  return {.records = config.nic_records, .unsafe_noiommu = config.dpdk_unsafe_noiommu};
}

}  // namespace

std::vector<std::string> obstacles_to_nics(const StartConfig& config) {
  std::vector<NicWish> wishes;
  for (const DeviceConfig& device : config.devices) {
    if (is_taken(device, config)) wishes.push_back(wish_of(device));
  }
  return nic_obstacles(wishes, rules_of(config));
}

DpdkNics::DpdkNics(StartConfig& config) {
  const NicRules rules = rules_of(config);
  std::vector<std::string> wanted;
  for (const DeviceConfig& device : config.devices) {
    if (is_taken(device, config)) wanted.push_back(nic_address(device.device, rules));
  }
  if (wanted.empty() && records_in(rules.records).empty()) return;
  binding_ = std::make_unique<NicBinding>(rules);
  for (const std::string& sentence : binding_->give_back(wanted)) say(sentence);
  for (DeviceConfig& device : config.devices) {
    if (!is_taken(device, config)) continue;
    TakenNic& nic = taken_.emplace_back(binding_->take(wish_of(device)));
    if (!nic.says.empty()) say(nic.says);
    device.device = nic.address;
  }
}

std::vector<std::string> DpdkNics::addresses() const {
  std::vector<std::string> all;
  for (const TakenNic& nic : taken_) all.push_back(nic.address);
  return all;
}

bool DpdkNics::has_iommu() const {
  return std::all_of(taken_.begin(), taken_.end(), [](const TakenNic& nic) { return nic.iommu; });
}

const NicRecord* DpdkNics::before(const std::string& device) const {
  for (const TakenNic& nic : taken_) {
    if (nic.address == device && nic.before) return &*nic.before;
  }
  return nullptr;
}

}  // namespace dam
