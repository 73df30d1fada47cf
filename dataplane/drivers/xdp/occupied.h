// SPDX-License-Identifier: BSD-3-Clause
// Whether somebody else's XDP program is on a device: there is room for one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/drivers/netdev/xdp_info.h"

namespace dam {

enum class Beside : uint8_t { nobody, others };  // the dam may live beside: xdp.beside_others

// Why the dam's program cannot be put on the device, with what to type; empty: it can, or nobody
// may say. `own_pid`: of this process, which may have it there already.
std::string occupied(const std::string& device, const std::optional<XdpProgram>& program,
                     int own_pid, Beside beside);
// The same of the device as it is.
std::string occupied(const std::string& device, Beside beside);

}  // namespace dam
