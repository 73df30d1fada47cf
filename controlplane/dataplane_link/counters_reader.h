// SPDX-License-Identifier: BSD-3-Clause
// Copies the dataplane's counters out of their file (dataplane/core/counters.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/counters.h"

namespace dam::control {

// Nothing when there is no such file, or none of this version. Reads instead of mapping: a file
// that a dying dataplane cuts short must not kill its reader (SIGBUS). The kernel copies aligned
// words whole, so that no counter is torn.
std::unique_ptr<dam_counters> read_counters(const std::string& path);

// What only sums over workers mean.
dam_zone_counters zone_total(const dam_counters& counters, int slot);
dam_server_counters server_total(const dam_counters& counters, int slot);

// A name in a fixed field, also when its closing NUL is missing.
std::string field_text(const char (&field)[DAM_NAME_BYTES]);

// The slot of a name, or -1.
int zone_slot(const dam_counters& counters, const std::string& name);
int server_slot(const dam_counters& counters, const std::string& name);

const std::vector<std::string>& top_measures();
const char* drop_name(int reason);
const char* drop_text(int reason);

}  // namespace dam::control
