// SPDX-License-Identifier: BSD-3-Clause
// Connections as operators see and end them. Looking costs the worker nothing; ending goes through
// its own tick.
#include <optional>

#include "dataplane/engine/worker.h"

namespace dam {

namespace {

template <class T>
T load(const T& from) {
  T value;
  __atomic_load(&from, &value, __ATOMIC_RELAXED);
  return value;
}

}  // namespace

std::optional<FlowGlance> Worker::glance(uint32_t index) const {
  const Flow& flow = flows_[index];
  FlowGlance seen;
  seen.state = load(flow.state);
  if (seen.state == DAM_FLOW_free) return std::nullopt;
  seen.id = {index_, index, load(flow.epoch)};
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  for (int i = 0; i < 4; ++i) seen.client.word[i] = load(flow.client.word[i]);
  seen.client_port.raw = load(flow.client_port.raw);
  seen.source_port = load(flow.source_port);
  seen.listener_slot = load(flow.listener_slot);
  seen.server_slot = load(flow.server_slot);
  seen.zone_slot = load(flow.zone_slot);
  seen.flags = load(flow.flags);
  seen.last_seen = load(flow.last_seen);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  const bool same = load(flow.epoch) == seen.id.epoch && load(flow.state) != DAM_FLOW_free;
  return same ? std::optional(seen) : std::nullopt;
}

// No more than can be reset at both ends: the others wait for the next tick.
void Worker::end_wanted() {
  FlowId id;
  for (uint32_t left = flow_timer_budget(); left > 0 && ends_.pop(id); --left) {
    if (id.index >= flow_capacity()) continue;
    Flow& flow = flows_[id.index];
    const bool same = (flow.epoch & FlowId::kEpochMask) == (id.epoch & FlowId::kEpochMask);
    if (same && flow.state != DAM_FLOW_free) refuse(flow, DAM_DROP_ended, true);
  }
}

}  // namespace dam
