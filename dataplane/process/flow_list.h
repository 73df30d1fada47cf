// SPDX-License-Identifier: BSD-3-Clause
// Connections by filter, and their end: what the control plane asks of the flow tables.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/engine/engine.h"
#include "dataplane/ipc/dam.pb.h"

namespace dam {

// Entries that one answer looks at: a millisecond or so of the control thread. Who asks goes on at
// `next` until that is 0.
inline constexpr uint32_t kLooksAnAnswer = 65'536;
inline constexpr uint32_t kMostFlowsAnAnswer = 4'096;

// What is wrong with the query; empty when nothing is.
std::string list_flows(Engine& engine, const v1::FlowQuery& query, uint64_t now_ns,
                       v1::FlowList& to);
// Ends them with the next tick; `to` counts those that could be told. Ids of no connection are
// none.
void end_flows(Engine& engine, const v1::EndFlows& request, v1::FlowList& to);

}  // namespace dam
