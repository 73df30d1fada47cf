// SPDX-License-Identifier: BSD-3-Clause
// The dam's own end of a connection to a server: address and port, so that replies come back to
// this worker.
#include "dataplane/engine/packet_path.h"

namespace dam {

bool Worker::bind_source_port(Flow& flow, uint16_t server_slot) {
  const Server& server = policy_->servers[server_slot];
  const NextHop way = engine_.neighbours.next_hop(server.address[flow.family == 6]);
  if (!way) return false;
  for (size_t i = 0; i < engine_.local_addresses.size(); ++i) {
    const LocalAddress& local = engine_.local_addresses[i];
    if (local.interface != way.interface ||
        (dam_address_is_v4(&local.address) ? 4 : 6) != flow.family) {
      continue;
    }
    flow.local = static_cast<uint8_t>(i);
    flow.server_slot = server_slot;
    flow.out_interface[DAM_C2S] = static_cast<uint8_t>(way.interface);
    flow.neighbour[DAM_C2S] = way.neighbour;
    uint64_t hash = 0;
    if (!take_source_port(flow, hash)) continue;
    if (index_of_flows_.insert(hash, flow_ref(index_of(flow), DAM_S2C))) return true;
    engine_.ports(index_, server_slot, flow.local)->give(flow.source_port, now_ns_);
    flow.source_port = 0;
    return false;
  }
  return false;
}

// What of a server's packet says to whom it is.
dam_packet Worker::reply_to(const Server& server, uint8_t family, uint8_t local,
                            uint16_t port) const {
  dam_packet reply{};
  reply.src = server.address[family == 6];
  reply.dst = engine_.local_addresses[local].address;
  reply.src_port = server.port;
  reply.dst_port = dam_hton16(port);
  return reply;
}

bool Worker::is_port_taken(const Server& server, uint8_t family, uint8_t local,
                           uint16_t port) const {
  const dam_packet reply = reply_to(server, family, local, port);
  return find_flow(reply, hash_of(reply)) != kNone;
}

// `hash`: of the flow as the server's packets name it. A port that no living flow has to this
// address and port: slots of one server share their ports, but one may have found its pool before
// the other moved here.
bool Worker::take_source_port(Flow& flow, uint64_t& hash) {
  constexpr int kTries = 8;
  PortPool* pool = engine_.ports(index_, flow.server_slot, flow.local);
  if (pool == nullptr) return false;
  const Server& server = policy_->servers[flow.server_slot];
  for (int i = 0; i < kTries; ++i) {
    const uint16_t port = pool->take(now_ns_, policy_->timeouts.port_rest_ns);
    if (port == 0) return false;
    const dam_packet reply = reply_to(server, flow.family, flow.local, port);
    hash = hash_of(reply);
    if (find_flow(reply, hash) == kNone) {
      flow.source_port = port;
      return true;
    }
    pool->give(port, now_ns_);
  }
  return false;
}

// The flow as the server's packets name it.
dam_flow_key Worker::server_side(const Flow& flow) const {
  const Server& server = policy_->servers[flow.server_slot];
  return {server.address[flow.family == 6], engine_.local_addresses[flow.local].address,
          server.port, dam_hton16(flow.source_port)};
}

// The slot may have the pool of its next server already; the one that the port is from lives on
// where another name of this server shared it.
void Worker::give_source_port(const Flow& flow) {
  const bool v6 = flow.family == 6;
  const Server& server = policy_->servers[flow.server_slot];
  if (engine_.ports(index_, flow.server_slot, flow.local)->give(flow.source_port, now_ns_)) return;
  for (size_t slot = 0; slot < policy_->servers.size(); ++slot) {
    const Server& other = policy_->servers[slot];
    if (other.port.raw != server.port.raw ||
        !dam_address_equal(&other.address[v6], &server.address[v6])) {
      continue;
    }
    PortPool* pool = engine_.ports(index_, static_cast<uint16_t>(slot), flow.local);
    if (pool != nullptr && pool->give(flow.source_port, now_ns_)) return;
  }
}

void Worker::unbind_source_port(Flow& flow) {
  if (flow.source_port == 0) return;
  index_of_flows_.erase(server_side_hash(flow), flow_ref(index_of(flow), DAM_S2C));
  give_source_port(flow);
  ++counters_->servers[flow.server_slot].connections_closed;
  flow.source_port = 0;
}

}  // namespace dam
