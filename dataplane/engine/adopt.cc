// SPDX-License-Identifier: BSD-3-Clause
// What a dataplane before this one has left behind: it may have ended between any two of its
// stores, and been an intruder's before. The flows are the truth, as far as they make sense; all
// else is made anew from them. Connections that still needed its own memory (a hello, a server's
// handshake) are gone with it: clients and servers that would wait for an answer are told. With
// driver: xdp the kernel goes on meanwhile with the connections that stand; with driver: dpdk they
// wait.
#include <cstring>
#include <iterator>

#include "dataplane/engine/packet_path.h"

namespace dam {

namespace {

// Whether one has been silent for too long, the first policy's limits say. One that is closing is
// asked early: where processes end again and again, nothing else would ever give its port back.
constexpr uint64_t kAskedAfterNs = 5'000'000'000;
constexpr uint64_t kClosingAskedAfterNs = 500'000'000;

// As it lies in memory that anybody may have written: not every number is a state, and that of a
// connection that had begun is not sound either.
dam_flow_state state_of(const Flow& flow) {
  uint8_t number;
  std::memcpy(&number, &flow.state, sizeof number);
  return number <= DAM_FLOW_established ? static_cast<dam_flow_state>(number) : DAM_FLOW_connect;
}

bool has_server(dam_flow_state state) {
  return state == DAM_FLOW_deliver || state == DAM_FLOW_established;
}

// It has no server yet, and its client's first bytes, if any, were in that memory.
bool is_early(dam_flow_state state) { return state == DAM_FLOW_hello || state == DAM_FLOW_connect; }

}  // namespace

Neighbours::Kept next_hops_in_use(const EngineConfig& config) {
  Neighbours::Kept kept;
  if (!config.standing) return kept;
  kept.ids.resize(config.shared.neighbours.size());
  for (const Flow& flow : config.shared.flows) {
    const dam_flow_state state = state_of(flow);
    if (!has_server(state) && !is_early(state)) continue;
    for (const dam_direction direction : {DAM_C2S, DAM_S2C}) {
      const uint16_t id = flow.neighbour[direction];
      if (id < kept.ids.size() && (direction == DAM_S2C || has_server(state))) kept.ids[id] = true;
    }
  }
  for (const Server& server : config.standing->policy->servers) {
    kept.addresses.insert(kept.addresses.end(), std::begin(server.address),
                          std::end(server.address));
  }
  return kept;
}

void Engine::adopt(const Standing& standing) {
  secrets_[0] = standing.secrets;
  kept_.push_back(standing.policy);
  make_port_pools(*standing.policy);
  sources.disown();
  for (const auto& worker : workers_) worker->adopt(*standing.policy, standing.now_ns);
  for (const auto& pool : pools_) pool->settle_adopted();
  for (const auto& worker : workers_) worker->let_ports_rest();
}

void Engine::adopt_port(uint32_t worker, uint16_t server_slot, uint8_t local, uint16_t port) {
  PortPool* pool = ports_of(worker, server_slot, local).load(std::memory_order_relaxed);
  if (pool != nullptr) pool->adopt(port);
}

void Worker::adopt(const Policy& before, uint64_t now_ns) {
  policy_ = &before;
  now_ns_ = now_ns;
  flow_timers_.advance(now_ns, 0, [](uint32_t) {});
  free_flow_ = kNone;
  adopted_ = true;
  for (uint32_t i = flow_capacity(); i > 0; --i) {
    Flow& flow = flows_[i - 1];
    flow.state = state_of(flow);
    const bool sane = makes_sense(flow);
    if (sane && flow.state == DAM_FLOW_established && adopt(flow)) continue;
    const bool delivering = sane && flow.state == DAM_FLOW_deliver;
    if (delivering) note_server(flow);
    if (delivering || is_early(flow.state)) note_client(flow);
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
  engine_.adopt_port(index_, flow.server_slot, flow.local, flow.source_port);
  left_ports_.push_back({flow.server_slot, flow.local, flow.source_port});
}

void Worker::note_server(Flow& flow) {
  flow.handshake = kNone;
  const bool management = policy_->zones[flow.zone_slot].management;
  left_ends_.push_back({reset_of_server(flow), hop(flow, DAM_C2S), management});
}

// Its bytes were acknowledged, so it would not send them again. One of whom nothing was held comes
// again by its cookie.
void Worker::note_client(const Flow& flow) {
  const bool waits =
      !is_early(flow.state) || dam_seq_distance(flow.client_isn, flow.track.next[DAM_C2S]) > 1;
  const NextHop way = hop(flow, DAM_S2C);
  const bool sane = flow.listener_slot < policy_->listeners.size() &&
                    flow.family == (dam_address_is_v4(&flow.client) ? 4 : 6) &&
                    way.interface < engine_.config().interfaces.size() &&
                    engine_.neighbours.is_way(way);
  if (!waits || !sane) return;
  Segment rst = addressed(flow, DAM_S2C, DAM_TCP_RST | DAM_TCP_ACK);
  rst.seq = is_early(flow.state)
                ? dam_seq_add(flow.cookie, 1)
                : dam_seq_translate(flow.track.next[DAM_S2C], flow.splice.seq_delta[DAM_S2C]);
  rst.ack = flow.track.next[DAM_C2S];
  left_ends_.push_back({rst, way, (flow.flags & DAM_FLOW_MANAGEMENT) != 0});
}

// With the first ticks, as far as there are frames to tell them.
void Worker::tell_left_ends() {
  for (; !left_ends_.empty() && flow_timer_budget() > 0; left_ends_.pop_back()) {
    const LeftEnd& left = left_ends_.back();
    originate(left.reset, left.way, left.management);
  }
}

void Worker::let_ports_rest() {
  for (const LeftPort& left : left_ports_) {
    PortPool* pool = engine_.ports(index_, left.server_slot, left.local);
    if (pool != nullptr) pool->give(left.port, now_ns_);
  }
  left_ports_ = {};
}

bool Worker::makes_sense(const Flow& flow) const {
  if (!has_server(flow.state) || (flow.flags & DAM_FLOW_ROUTED) == 0) return false;
  const size_t interfaces = engine_.config().interfaces.size();
  const bool slots = flow.listener_slot < policy_->listeners.size() &&
                     flow.server_slot < policy_->servers.size() &&
                     flow.zone_slot < policy_->zones.size() &&
                     flow.local < engine_.local_addresses.size();
  if (!slots || policy_->zones[flow.zone_slot].name.empty()) return false;
  // From that address, and no other link's or family's, the server is called, and by the worker
  // whose packets its answers are.
  const Server& server = policy_->servers[flow.server_slot];
  const bool port =
      flow.source_port != 0 && !server.name.empty() &&
      engine_.ports(index_, flow.server_slot, flow.local) != nullptr &&
      engine_.port_owner(server, flow.family == 6 ? 6 : 4, flow.local, flow.source_port) == index_;
  const bool ways = flow.out_interface[DAM_C2S] < interfaces &&
                    flow.out_interface[DAM_S2C] < interfaces &&
                    engine_.neighbours.is_way({flow.out_interface[DAM_C2S], flow.neighbour[0]}) &&
                    engine_.neighbours.is_way({flow.out_interface[DAM_S2C], flow.neighbour[1]});
  const auto is_of_family = [&](const dam_address& address) {
    return flow.family == (dam_address_is_v4(&address) ? 4 : 6);
  };
  return port && ways && is_of_family(flow.client) &&
         is_of_family(engine_.local_addresses[flow.local].address);
}

// False: another one has its place already, or the table of sources is full of others.
bool Worker::adopt(Flow& flow) {
  flow.handshake = kNone;
  if (!find_own_source(flow)) return false;
  if (!enter_index(flow)) {
    if (flow.source != kNone) engine_.sources.release(flow.source);
    return false;
  }
  engine_.adopt_port(index_, flow.server_slot, flow.local, flow.source_port);
  flow.lists_seen = 0;
  count_adopted(flow);
  return true;
}

// By its address and fingerprint, not by the place that the flow names: who wrote that may have
// wanted another to pay. (The fingerprint lies in the same memory, and is believed.)
bool Worker::find_own_source(Flow& flow) {
  flow.source = engine_.sources.acquire(
      index_, source_in(flow.zone_slot, flow.client, ja4_of(flow)), now_ns_);
  return flow.source != kNone || (flow.flags & DAM_FLOW_ADMIN) != 0;
}

bool Worker::enter_index(const Flow& flow) {
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
  return true;
}

void Worker::count_adopted(Flow& flow) {
  const bool counted = (flow.flags & DAM_FLOW_COUNTED) != 0;
  flow.flags = static_cast<uint8_t>(flow.flags & ~DAM_FLOW_COUNTED);
  if (counted) recount_concurrent(flow);
  ++routed_flows_;
  if (is_service(flow)) ++service_flows_;
  flows_used_.fetch_add(1, std::memory_order_relaxed);
  ++zone_counters(flow.zone_slot).connections_opened;
  ++counters_->servers[flow.server_slot].connections_opened;
  const bool closing = (flow.flags & DAM_FLOW_CLOSING) != 0;
  flow_timers_.schedule(index_of(flow), now_ns_ + (closing ? kClosingAskedAfterNs : kAskedAfterNs));
}

// Who is privileged, the first policy says, and no flow of before: all at once, since none may meet
// that policy otherwise.
void Worker::renew_flags() {
  adopted_ = false;
  service_flows_ = 0;
  for (Flow& flow : flows_.all()) {
    if (flow.state == DAM_FLOW_free) continue;
    const bool admin = policy_->allow.contains(flow.client);
    const bool management = policy_->zones[flow.zone_slot].management;
    flow.flags =
        static_cast<uint8_t>((flow.flags & ~(DAM_FLOW_ADMIN | DAM_FLOW_MANAGEMENT)) |
                             (admin ? DAM_FLOW_ADMIN : 0) | (management ? DAM_FLOW_MANAGEMENT : 0));
    if (is_service(flow)) ++service_flows_;
  }
}

}  // namespace dam
