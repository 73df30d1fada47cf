// SPDX-License-Identifier: BSD-3-Clause
// What a network device does to frames that the dam's XDP program must see as they were sent:
// aggregation, and VLAN tags taken out of the frame. Which of it is off while the dam runs, and on
// again afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace dam {

struct Offload {
  const char* feature;  // the kernel's name
  const char* ethtool;  // what `ethtool -K` calls it
  const char* harm;     // while it is on
};

enum OffloadBit : uint32_t {
  kLro = 1,
  kGro = 2,
  kGroHw = 4,
  kVlanParse = 8,
  kVlanFilter = 16,
};

// By the bits' order.
inline constexpr std::array<Offload, 5> kOffloads{{
    {"rx-lro", "lro", "puts segments together, which cannot be translated then"},
    {"rx-gro", "gro", "puts segments together, which cannot be translated then"},
    {"rx-gro-hw", "rx-gro-hw", "puts segments together, which cannot be translated then"},
    {"rx-vlan-hw-parse", "rxvlan", "takes VLAN tags away before the XDP program looks"},
    {"rx-vlan-filter", "rx-vlan-filter", "lets in no VLAN that the host does not have"},
}};

// Whatever the policy says: a tag that is taken away would make another VLAN's frame an untagged
// one.
inline constexpr uint32_t kAlwaysOff = kLro | kGro | kGroHw | kVlanParse;

// Of `wanted`, what is on now.
uint32_t offloads_on(const std::string& device, uint32_t wanted);
// Gives what is on in spite of it.
uint32_t switch_offloads_off(const std::string& device, uint32_t bits);
void switch_offloads_on(const std::string& device, uint32_t bits);

// "gro, rxvlan", as ethtool calls them.
std::string names_of_offloads(uint32_t bits);
// "ethtool -K DEVICE gro off rxvlan off"
std::string command_against(const std::string& device, uint32_t bits);

}  // namespace dam
