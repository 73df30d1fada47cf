// SPDX-License-Identifier: BSD-3-Clause
// What a dataplane before this one has left behind in the kernel: may this one go on with it?
#pragma once

#include <memory>
#include <string>

#include "dataplane/drivers/xdp/kernel_tables.h"
#include "dataplane/drivers/xdp/pins.h"
#include "dataplane/engine/start_config.h"

namespace dam {

// Leaves the pins as they are if their connections can go on under this config, and clears them if
// not: then gives why, in a sentence, or nothing where there was nothing. Throws
// std::runtime_error when they are of another version, whose connections only a human may end.
std::string keep_or_clear(const Pins& pins, const StartConfig& config);

// After a start that failed: what it has left there goes, unless it is an earlier dataplane's.
void undo_unless_standing(const std::string& pins_folder);

// For the engine. The tables are adopted ones.
Standing standing_of(const KernelTables& tables, uint64_t now_ns);

}  // namespace dam
