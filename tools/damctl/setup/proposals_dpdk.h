// SPDX-License-Identifier: BSD-3-Clause
// What setup proposes where DPDK takes the cards.
#pragma once

#include <string>

#include "tools/damctl/setup/proposals.h"

namespace dam::ctl {

// Does the host go on beside the dam on the card of the network `name`?
Proposal propose_host_path(const HostNetwork& network, const Answers& answers,
                           const std::string& name);
Proposal propose_bind(const HostNetwork& network, const Answers& answers);

}  // namespace dam::ctl
