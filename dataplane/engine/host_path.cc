// SPDX-License-Identifier: BSD-3-Clause
// What is not the dam's, on ports where the host goes on beside it: the same that ebpf/ passes to
// the host with driver xdp, but for ARP, neighbour discovery and echo of the dam's own addresses,
// which the dam answers here.
#include "dataplane/engine/engine.h"
#include "dataplane/engine/packet_path.h"
#include "dataplane/engine/worker.h"

namespace dam {
namespace {

// Of other protocols than TCP they are the host's: its DNS answers, its echoes.
bool is_tcp_fragment(const Frame& frame, const dam_packet& packet) {
  const uint8_t* ip = frame.data + packet.l3;
  if (packet.family == 4) {
    return packet.l3 + DAM_IPV4_BYTES <= frame.bytes && ip[9] == DAM_PROTOCOL_TCP;
  }
  return packet.l3 + DAM_IPV6_BYTES + 8 <= frame.bytes && ip[6] == DAM_PROTOCOL_FRAGMENT &&
         ip[DAM_IPV6_BYTES] == DAM_PROTOCOL_TCP;
}

}  // namespace

// Of a refused frame. To a link address of others: it is only here because the port hears all. The
// unreadable goes nowhere if it is addressed to the dam, and else to the host.
bool Worker::is_for_host(const Job& job) const {
  const Frame& frame = *job.frame;
  if (!has_host(job) || frame.bytes < DAM_ETHERNET_BYTES) return false;
  const bool to_port = (dam_load64(frame.data) & kMacMask) == host_mac_[frame.port];
  if (!to_port && (frame.data[0] & 1) == 0) return false;
  if (job.refused == DAM_DROP_not_ours) return true;
  if (job.refused != DAM_DROP_malformed && job.refused != DAM_DROP_fragment) return false;
  if (job.packet.family == 0 || !engine_.neighbours.is_own(job.packet.dst)) return true;
  return job.refused == DAM_DROP_fragment && !is_tcp_fragment(frame, job.packet);
}

void Worker::refuse(Job& job) {
  is_for_host(job) ? to_host(job) : drop(*job.frame, job.refused, 0);
}

void Worker::leave(Job& job, Drop reason) {
  has_host(job) ? to_host(job) : drop(*job.frame, reason, 0);
}

// A flood of strangers must not push out those who would end it.
void Worker::to_host(Job& job) {
  ++counters_->host_packets;
  job.told = true;  // the host's own are nobody's to capture
  const dam_packet& packet = job.packet;
  const bool admin =
      packet.family != 0 && policy_ != nullptr && policy_->allow.contains(packet.src);
  const bool first = has_host(job) && (admin || packet.kind == DAM_KIND_ARP);
  first ? out_->host_first.add(*job.frame) : out_->host.add(*job.frame);
}

// To a source port of the dam's: of a connection that is over. The host has no such ports.
bool Worker::is_from_server(const dam_packet& packet) const {
  const uint16_t port = dam_ntoh16(packet.dst_port);
  if (port < policy_->source_ports.first || port > policy_->source_ports.last) return false;
  for (const Server& server : policy_->servers) {
    if (server.port.raw != packet.src_port.raw) continue;
    for (const dam_address& address : server.address) {
      if (dam_address_equal(&address, &packet.src) != 0) return true;
    }
  }
  return false;
}

}  // namespace dam
