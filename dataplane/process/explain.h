// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/dam.pb.h"
#include "dataplane/process/recent_drops.h"

namespace dam {

// What the dataplane knows of an address (4 or 16 bytes) now, by a glance at its entry of each
// zone: no worker is asked, and no flow looked at. Returns what is wrong; empty when nothing is.
std::string explain(const Engine& engine, const RecentDrops& recent, const std::string& address,
                    v1::Explanation& to);

}  // namespace dam
