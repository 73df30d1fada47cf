// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says of XDP on a device: what its driver can, and whose program is on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dam {

struct XdpProgram {
  struct Holder {  // a process that has it open
    std::string process;
    int pid = 0;
  };
  uint32_t id = 0;
  bool generic = false;           // in the kernel's stack, not in the driver
  std::string name;               // empty: we may not look
  std::vector<std::string> pins;  // paths below /sys/fs/bpf
  std::vector<Holder> held_by;
};

// The program on a device, or none.
std::optional<XdpProgram> attached_program(uint32_t ifindex);
// "program dam_xdp (id 12, native), held by dam-dataplane (pid 17)"
std::string describe(const XdpProgram& program);
// What the kernel calls the dam's own.
inline constexpr const char* kOwnProgram = "dam_xdp";
// And libxdp's, which calls several others.
inline constexpr const char* kDispatcherProgram = "xdp_dispatcher";

enum class Known : uint8_t { no, yes, unknown };
struct XdpAbilities {
  Known native = Known::unknown;
  Known zero_copy = Known::unknown;
  const char* source = "";  // who says so
};
// Since Linux 6.3 the kernel says it; before, it depends on the driver, as of 6.1.
XdpAbilities xdp_abilities(uint32_t ifindex, const std::string& driver);
// For drivers of Linux 6.1.
XdpAbilities known_abilities(const std::string& driver);

}  // namespace dam
