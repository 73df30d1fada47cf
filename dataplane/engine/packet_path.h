// SPDX-License-Identifier: BSD-3-Clause
// The pieces of Worker that more than one file of the packet's path is made of: inlined into each.
#pragma once

#include "dataplane/core/gcra.h"
#include "dataplane/engine/worker.h"

namespace dam {

// What a packet is refused by, in the order of enum dam_dimension.
inline constexpr dam_drop_reason kSourceReasons[DAM_DIM_COUNT] = {
    DAM_DROP_source_packets, DAM_DROP_source_bytes_up, DAM_DROP_source_bytes_down,
    DAM_DROP_source_connections, DAM_DROP_source_requests};
inline constexpr dam_drop_reason kTotalReasons[DAM_DIM_COUNT] = {
    DAM_DROP_zone_packets, DAM_DROP_zone_bytes_up, DAM_DROP_zone_bytes_down,
    DAM_DROP_zone_connections, DAM_DROP_zone_requests};

[[gnu::always_inline]] inline uint64_t Worker::hash_of(const dam_packet& packet) const {
  const dam_flow_key flow{packet.src, packet.dst, packet.src_port, packet.dst_port};
  if (packet.family != 4) return hash_of(flow);
  return dam_flow_hash_v4(&table_key_, packet.src.word[3], packet.dst.word[3],
                          static_cast<uint32_t>(dam_flow_key_ports(&flow)));
}

[[gnu::always_inline]] inline bool Worker::is_flow(uint32_t ref, const dam_packet& packet) const {
  const Flow& flow = flows_[ref >> 1];
  if (flow.state == DAM_FLOW_free) return false;
  if ((ref & 1) == DAM_C2S) {
    const Listener& listener = policy_->listeners[flow.listener_slot];
    return flow.client_port.raw == packet.src_port.raw &&
           listener.port.raw == packet.dst_port.raw &&
           dam_address_equal(&flow.client, &packet.src) &&
           dam_address_equal(&listener.address, &packet.dst);
  }
  const Server& server = policy_->servers[flow.server_slot];
  return dam_ntoh16(packet.dst_port) == flow.source_port &&
         server.port.raw == packet.src_port.raw &&
         dam_address_equal(&server.address[flow.family == 6], &packet.src) &&
         dam_address_equal(&engine_.local_addresses[flow.local].address, &packet.dst);
}

inline uint32_t Worker::find_flow(const dam_packet& packet, uint64_t hash) const {
  return index_of_flows_.find(hash, [&](uint32_t ref) { return is_flow(ref, packet); });
}

[[gnu::always_inline]] inline bool Worker::within(uint64_t& tat_ns, const dam_gcra_rate& rate,
                                                  uint32_t units) const {
  const bool passes = alone_ ? dam_gcra_charge_alone(&tat_ns, &rate, now_ns_, units) != 0
                             : charge_shared(tat_ns, rate, units);
  if (!passes) [[unlikely]]
    refit(tat_ns, rate);
  return passes;
}

[[gnu::always_inline]] inline dam_drop_reason Worker::charge_source(const Flow& flow,
                                                                    const Zone& zone,
                                                                    dam_dimension dimension,
                                                                    uint32_t units) {
  const dam_gcra_rate& per_source = zone.per_source[dimension];
  if (per_source.interval_q20 == 0 || flow.source == kNone) return DAM_DROP_none;
  uint64_t& tat_ns = engine_.sources.tat_ns(flow.source, dimension);
  const bool refused = !within(tat_ns, per_source, units) && exceeded(flow, zone, false, dimension);
  return refused ? kSourceReasons[dimension] : DAM_DROP_none;
}

[[gnu::always_inline]] inline dam_drop_reason Worker::charge_total(const Flow& flow,
                                                                   const Zone& zone,
                                                                   dam_dimension dimension,
                                                                   uint32_t units) {
  const dam_gcra_rate& total = zone.total[dimension];
  if (total.interval_q20 == 0) return DAM_DROP_none;
  uint64_t& tat_ns = engine_.zone_totals[flow.zone_slot].tat_ns[dimension];
  const bool refused = !within(tat_ns, total, units) && exceeded(flow, zone, true, dimension);
  return refused ? kTotalReasons[dimension] : DAM_DROP_none;
}

[[gnu::always_inline]] inline dam_drop_reason Worker::charge(const Flow& flow, const Zone& zone,
                                                             dam_dimension dimension,
                                                             uint32_t units) {
  const dam_drop_reason refused = charge_source(flow, zone, dimension, units);
  return refused != DAM_DROP_none ? refused : charge_total(flow, zone, dimension, units);
}

inline bool Worker::is_banned(const Flow& flow, const Zone& zone) const {
  return flow.source != kNone && (flow.flags & DAM_FLOW_ADMIN) == 0 && zone.mode == Mode::enforce &&
         SourceTable::banned(engine_.sources[flow.source], now_ns_);
}

inline dam_rewrite Worker::rewrite_of(const Flow& flow, dam_direction direction) const {
  if (direction == DAM_C2S) {
    const Server& server = policy_->servers[flow.server_slot];
    return {engine_.local_addresses[flow.local].address, server.address[flow.family == 6],
            dam_hton16(flow.source_port), server.port};
  }
  const Listener& listener = policy_->listeners[flow.listener_slot];
  return {listener.address, flow.client, listener.port, flow.client_port};
}

[[gnu::always_inline]] inline bool Worker::transmit(Frame& frame, uint16_t l3, uint8_t family,
                                                    const NextHop& hop, bool urgent) {
  const uint64_t mac = engine_.neighbours.mac_word(hop.neighbour);
  if ((mac & Neighbours::kKnown) == 0) [[unlikely]] {
    drop(frame, DAM_DROP_no_neighbour, 0);
    return false;
  }
  transmit_to(mac, hop.interface, frame, l3, family, urgent);
  return true;
}

[[gnu::always_inline]] inline void Worker::transmit_to(uint64_t mac, uint16_t out,
                                                       const Frame& frame, uint16_t l3,
                                                       uint8_t family, bool urgent) {
  const LinkSide& way = side(out);
  uint8_t* const at = write_ethernet(frame.data + l3, way, mac, family);
  const auto bytes = static_cast<uint16_t>(frame.data + frame.bytes - at);
  (urgent ? out_->urgent : out_->normal).append() = {.data = at,
                                                     .bytes = bytes,
                                                     .port = way.port,
                                                     .checksum = frame.checksum,
                                                     .buffer = frame.buffer};
  ++counters_->tx_packets;
  counters_->tx_bytes += bytes;
}

}  // namespace dam
