// SPDX-License-Identifier: BSD-3-Clause
// Networks as the dataplane's messages carry them.
#pragma once

#include <optional>

#include "controlplane/policy/address.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam::control {

void write_subnet(const Network& network, v1::Subnet& to);
// Nothing where the message has no such address or too long a prefix.
std::optional<Network> read_subnet(const v1::Subnet& from);

}  // namespace dam::control
