// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/occupied.h"

#include <net/if.h>
#include <unistd.h>

namespace dam {

std::string occupied(const std::string& device, const std::optional<XdpProgram>& program,
                     int own_pid) {
  if (!program) return {};
  if (program->name == kOwnProgram) {
    for (const XdpProgram::Holder& holder : program->held_by) {
      if (holder.pid == own_pid || holder.process != "dam-dataplane") continue;
      return "Another dam-dataplane has " + device + ": process " + std::to_string(holder.pid) +
             ". One device, one dam: end it first, or give this one other "
             "interfaces.";
    }
    return {};
  }
  if (program->name.empty()) return {};
  return device + ": an XDP " + describe(*program) +
         " is attached already, and there is room for one. If nobody needs it: ip link set dev " +
         device + (program->generic ? " xdpgeneric off" : " xdp off") +
         (program->pins.empty() ? "" : "  and rm " + program->pins.front());
}

std::string occupied(const std::string& device) {
  const uint32_t ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0) return {};
  return occupied(device, attached_program(ifindex), getpid());
}

}  // namespace dam
