// SPDX-License-Identifier: BSD-3-Clause
// What a server has told of a source costs it units of its own buckets. They lie in the tables that
// both planes read: whichever plane its next packet meets.
#pragma once

#include <string>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

// In the service zones that know the source; never in management, the front, or of the allow list.
// A bucket ends up empty at most: then units come again at the zone's own rate. Returns what is
// wrong; empty: all are charged.
std::string charge(Engine& engine, const v1::ChargeSources& request, uint64_t now_ns);

}  // namespace dam
