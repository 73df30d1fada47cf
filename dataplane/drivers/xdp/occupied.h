// SPDX-License-Identifier: BSD-3-Clause
// Whether somebody else's XDP program is on a device: there is room for one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/drivers/netdev/xdp_info.h"

namespace dam {

// Why the dam's program cannot be put on the device, with what to type; empty: it can, or nobody
// may say. `own_pid`: of this process, which may have it there already.
std::string occupied(const std::string& device, const std::optional<XdpProgram>& program,
                     int own_pid);
// The same of the device as it is.
std::string occupied(const std::string& device);

}  // namespace dam
