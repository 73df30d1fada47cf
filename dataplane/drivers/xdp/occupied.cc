// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/occupied.h"

#include <net/if.h>
#include <unistd.h>

namespace dam {
namespace {

std::string beside_dispatcher(const std::string& device) {
  return "which calls several programs. The dam can be one of them: xdp: {beside_others: true} in "
         "dam.yaml. Or end them: damctl detach where it is the dam alone, xdp-loader unload " +
         device + " --all";
}

std::string instead_of(const std::string& device, const XdpProgram& program, Beside beside) {
  const std::string why =
      beside == Beside::others
          ? "without libxdp's dispatcher: nobody can live beside it. Attach it by libxdp instead "
            "(xdp-loader load " +
                device + " ITS_OBJECT_FILE) after "
          : "and there is room for one. If nobody needs it: ";
  return why + "ip link set dev " + device + (program.generic ? " xdpgeneric off" : " xdp off") +
         (program.pins.empty() ? "" : "  and rm " + program.pins.front());
}

}  // namespace

std::string occupied(const std::string& device, const std::optional<XdpProgram>& program,
                     int own_pid, Beside beside) {
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
  const bool joinable = program->name == kDispatcherProgram;
  if (joinable && beside == Beside::others) return {};
  return device + ": an XDP " + describe(*program) + " is attached already, " +
         (joinable ? beside_dispatcher(device) : instead_of(device, *program, beside));
}

std::string occupied(const std::string& device, Beside beside) {
  const uint32_t ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0) return {};
  return occupied(device, attached_program(ifindex), getpid(), beside);
}

}  // namespace dam
