// SPDX-License-Identifier: BSD-3-Clause
// The servers' side: the PROXY header says whose connection it is.
#include "dataplane/engine/segment.h"
#include "tests/unit/engine/small_site.h"
#include "tests/unit/threads/peers.h"
#include "tests/unit/threads/spoken.h"

namespace dam::test {
namespace {

constexpr uint32_t kProxyHeaderFront = 16;

}  // namespace

void Peers::say(Server& server, uint8_t port, const dam_packet& to, uint8_t flags, uint32_t count) {
  const std::string said =
      count == 0 ? "" : octets(static_cast<uint32_t>(server.client), true, server.taken, count);
  Segment segment;
  segment.src = to.dst;
  segment.dst = to.src;
  segment.src_port = to.dst_port;
  segment.dst_port = to.src_port;
  segment.seq = dam_seq_of(server.next);
  segment.ack = dam_seq_of(server.expected);
  segment.flags = flags;
  segment.window = 5000;
  segment.payload = bytes_of(said);
  if ((flags & DAM_TCP_SYN) != 0) {
    segment.mss = 1460;
    segment.sack_permitted = true;
    segment.wscale = 7;
  }
  server.next += count + ((flags & (DAM_TCP_SYN | DAM_TCP_FIN)) != 0 ? 1 : 0);
  emit(port, segment);
}

void Peers::at_server(uint8_t port, const dam_packet& packet, std::span<const uint8_t> payload) {
  const uint16_t dam_port = dam_ntoh16(packet.src_port);
  Server& server = servers_[dam_port];
  if ((packet.tcp_flags & DAM_TCP_RST) != 0) return;
  if ((packet.tcp_flags & DAM_TCP_SYN) != 0) {
    server = {};
    server.expected = packet.seq.value + 1;
    server.next = 500'000 + dam_port;
    return say(server, port, packet, DAM_TCP_SYN | DAM_TCP_ACK, 0);
  }
  if (!payload.empty()) return take_at_server(server, port, packet, payload);
  if ((packet.tcp_flags & DAM_TCP_FIN) != 0) {
    ++server.expected;
    server.closing = true;
    return say(server, port, packet, kAck | DAM_TCP_FIN, 0);
  }
  if (!server.closing || packet.ack.value != server.next) return;
  server.closing = false;
  ++tally_.closed_by_server;
}

void Peers::take_at_server(Server& server, uint8_t port, const dam_packet& packet,
                           std::span<const uint8_t> payload) {
  if (server.client < 0) {  // a segment of its own: the PROXY header
    server.client = dam_load_be16(payload.data() + kProxyHeaderFront + 8) - kFirstClientPort;
    server.expected += static_cast<uint32_t>(payload.size());
    return;
  }
  const auto id = static_cast<uint32_t>(server.client);
  const Client& client = clients_[id];  // what it is does not change
  const auto hello = static_cast<uint32_t>(client_hello(client.server_name).size());
  if (server.taken == 0 && payload.size() == hello) {
    server.expected += hello;
    say(server, port, packet, kAck, kMessageBytes);
    server.taken = kMessageBytes;
    return;
  }
  if (client.script == Script::blast) return;
  tally_.wrong += packet.seq.value != server.expected ? 1 : 0;
  tally_.wrong += count_wrong(payload, id, false, server.taken);
  server.expected += static_cast<uint32_t>(payload.size());
  say(server, port, packet, kAck, kMessageBytes);
  server.taken += kMessageBytes;
}

}  // namespace dam::test
