// SPDX-License-Identifier: BSD-3-Clause
// What a dataplane before this one has left behind: it may have ended between any two of its
// stores, and been an intruder's before. The flows are the truth, as far as they make sense; all
// else is made anew from them. Connections that still needed its own memory (a hello, a server's
// handshake) are gone with it. Meanwhile the kernel goes on with the connections that stand.
#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

// Whether one has been silent for too long, the first policy's limits say.
constexpr uint64_t kAskedAfterNs = 5'000'000'000;

}  // namespace

void Engine::adopt(const Standing& standing) {
  secrets_[0] = standing.secrets;
  kept_.push_back(standing.policy);
  make_port_pools(*standing.policy);
  sources.disown();
  workers_[0]->adopt(*standing.policy, standing.now_ns);
  for (const auto& pool : pools_) pool->settle_adopted();
  workers_[0]->let_ports_rest();
}

void Engine::adopt_port(uint16_t server_slot, uint8_t local, uint16_t port) {
  PortPool* pool = ports_of(0, server_slot, local).load(std::memory_order_relaxed);
  if (pool != nullptr) pool->adopt(port);
}

void Worker::adopt(const Policy& before, uint64_t now_ns) {
  policy_ = &before;
  now_ns_ = now_ns;
  flow_timers_.advance(now_ns, 0, [](uint32_t) {});
  free_flow_ = kNone;
  for (uint32_t i = flow_capacity(); i > 0; --i) {
    Flow& flow = flows_[i - 1];
    if (makes_sense(flow) && adopt(flow)) continue;
    note_port(flow);
    flow.state = DAM_FLOW_free;
    flow.next_free = free_flow_;
    free_flow_ = i - 1;
  }
}

// A server may know a connection that is not taken over: its port rests before it is used again.
// Which ports rested already is not known any more.
void Worker::note_port(const Flow& flow) {
  const bool sane = flow.state != DAM_FLOW_free && flow.source_port != 0 &&
                    flow.server_slot < policy_->servers.size() &&
                    flow.local < engine_.local_addresses.size();
  if (!sane) return;
  engine_.adopt_port(flow.server_slot, flow.local, flow.source_port);
  left_ports_.push_back({flow.server_slot, flow.local, flow.source_port});
}

void Worker::let_ports_rest() {
  for (const LeftPort& left : left_ports_) {
    PortPool* pool = engine_.ports(index_, left.server_slot, left.local);
    if (pool != nullptr) pool->give(left.port, now_ns_);
  }
  left_ports_ = {};
}

bool Worker::makes_sense(const Flow& flow) const {
  if (flow.state != DAM_FLOW_established || (flow.flags & DAM_FLOW_ROUTED) == 0) return false;
  const size_t interfaces = engine_.config().interfaces.size();
  const bool slots = flow.listener_slot < policy_->listeners.size() &&
                     flow.server_slot < policy_->servers.size() &&
                     flow.zone_slot < policy_->zones.size() &&
                     flow.local < engine_.local_addresses.size();
  const bool ways = flow.out_interface[DAM_C2S] < interfaces &&
                    flow.out_interface[DAM_S2C] < interfaces &&
                    engine_.neighbours.is_way({flow.out_interface[DAM_C2S], flow.neighbour[0]}) &&
                    engine_.neighbours.is_way({flow.out_interface[DAM_S2C], flow.neighbour[1]});
  const bool family = flow.family == (dam_address_is_v4(&flow.client) ? 4 : 6);
  const bool source = flow.source == kNone ? (flow.flags & DAM_FLOW_ADMIN) != 0
                                           : engine_.sources.holds(flow.source, flow.zone_slot);
  return slots && ways && family && source && flow.source_port != 0;
}

// False: another one has its place already.
bool Worker::adopt(Flow& flow) {
  const uint32_t index = index_of(flow);
  const uint64_t at_client = client_side_hash(flow), at_server = server_side_hash(flow);
  dam_packet from_client{}, from_server{};
  const Listener& listener = policy_->listeners[flow.listener_slot];
  const Server& server = policy_->servers[flow.server_slot];
  from_client.src = flow.client;
  from_client.src_port = flow.client_port;
  from_client.dst = listener.address;
  from_client.dst_port = listener.port;
  from_server.src = server.address[flow.family == 6];
  from_server.src_port = server.port;
  from_server.dst = engine_.local_addresses[flow.local].address;
  from_server.dst_port = dam_hton16(flow.source_port);
  if (find_flow(from_client, at_client) != kNone || find_flow(from_server, at_server) != kNone)
    return false;
  if (!index_of_flows_.insert(at_client, flow_ref(index, DAM_C2S))) return false;
  if (!index_of_flows_.insert(at_server, flow_ref(index, DAM_S2C))) {
    index_of_flows_.erase(at_client, flow_ref(index, DAM_C2S));
    return false;
  }
  engine_.adopt_port(flow.server_slot, flow.local, flow.source_port);
  flow.handshake = kNone;
  count_adopted(flow);
  return true;
}

void Worker::count_adopted(Flow& flow) {
  if (flow.source != kNone) engine_.sources.retain(flow.source);
  const bool counted = (flow.flags & DAM_FLOW_COUNTED) != 0;
  flow.flags = static_cast<uint8_t>(flow.flags & ~DAM_FLOW_COUNTED);
  if (counted) recount_concurrent(flow);
  ++routed_flows_;
  if ((flow.flags & DAM_FLOW_MANAGEMENT) == 0) ++service_flows_;
  flows_used_.fetch_add(1, std::memory_order_relaxed);
  ++zone_counters(flow.zone_slot).connections_opened;
  ++counters_->servers[flow.server_slot].connections_opened;
  flow_timers_.schedule(index_of(flow), now_ns_ + kAskedAfterNs);
}

}  // namespace dam
