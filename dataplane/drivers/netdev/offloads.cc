// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/offloads.h"

#include "dataplane/drivers/netdev/ethtool.h"

namespace dam {
namespace {

template <class F>  // F(offload, bit)
void for_each_offload(uint32_t bits, F&& visit) {
  for (size_t i = 0; i < kOffloads.size(); ++i) {
    const uint32_t bit = 1u << i;
    if ((bits & bit) != 0) visit(kOffloads[i], bit);
  }
}

}  // namespace

uint32_t offloads_on(const std::string& device, uint32_t wanted) {
  const auto features = features_of(device);
  uint32_t on = 0;
  for_each_offload(wanted, [&](const Offload& offload, uint32_t bit) {
    const auto found = features.find(offload.feature);
    if (found != features.end() && found->second.on) on |= bit;
  });
  return on;
}

uint32_t switch_offloads_off(const std::string& device, uint32_t bits) {
  for_each_offload(bits, [&](const Offload& offload, uint32_t) {
    switch_feature(device, offload.feature, false);
  });
  return offloads_on(device, bits);
}

void switch_offloads_on(const std::string& device, uint32_t bits) {
  for_each_offload(bits, [&](const Offload& offload, uint32_t) {
    switch_feature(device, offload.feature, true);
  });
}

std::string names_of_offloads(uint32_t bits) {
  std::string names;
  for_each_offload(bits, [&](const Offload& offload, uint32_t) {
    names += (names.empty() ? "" : ", ") + std::string(offload.ethtool);
  });
  return names;
}

std::string command_against(const std::string& device, uint32_t bits) {
  std::string command = "ethtool -K " + device;
  for_each_offload(bits, [&](const Offload& offload, uint32_t) {
    command += " " + std::string(offload.ethtool) + " off";
  });
  return command;
}

}  // namespace dam
