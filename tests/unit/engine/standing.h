// SPDX-License-Identifier: BSD-3-Clause
// Connections that stand: the server has acknowledged all that the dam held for it.
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "dataplane/core/checksum.h"
#include "tests/unit/durations.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {

inline uint32_t server_next(const Connection& c) { return c.server_isn + 1; }
inline uint32_t server_ack(const Connection& c) {
  return c.header.packet.seq.value + 28 + static_cast<uint32_t>(c.held.size());
}

inline std::optional<Connection> stand(SmallSite& site, const ClientSide& client = {},
                                       std::string_view name = "www.example.org") {
  std::optional<Connection> c = establish(site, client, name);
  if (!c || c->header.bytes.empty()) return std::nullopt;
  site.send(c->server_port, c->from_server(kAck, {}, server_next(*c), server_ack(*c)));
  return c;
}

inline constexpr auto kOutlive = SmallSite::Tables::outlive_it;

// Another engine on the same tables, under the same policy.
inline void restart(SmallSite& site) {
  site.restart();
  site.apply(site.draft());
  site.advance(50 * kMillisecond);
}

inline std::vector<Connection> stand_many(SmallSite& site, int count) {
  std::vector<Connection> all;
  for (int i = 0; i < count; ++i) {
    ClientSide client;
    client.port = static_cast<uint16_t>(20000 + i);
    const std::optional<Connection> c = stand(site, client);
    if (!c) break;
    all.push_back(*c);
  }
  return all;
}

// The first TCP frame with these flags that left by this port.
inline const Seen* find_tcp(const std::vector<Seen>& seen, uint8_t port, uint8_t flags) {
  for (const Seen& frame : seen) {
    if (frame.port == port && frame.packet.kind == DAM_KIND_TCP && frame.has(flags)) return &frame;
  }
  return nullptr;
}

// A client whose SYN has just left to its server.
inline std::optional<Connection> call(SmallSite& site, const ClientSide& from,
                                      std::string_view name) {
  Connection c;
  c.client = from;
  if (!prove(site, c.client)) return std::nullopt;
  const auto seen = site.send(kFrontPort, c.client.segment(kAck, client_hello(name)));
  for (const uint8_t port : {kServicePort, kManagementPort}) {
    if (const Seen* syn = find_tcp(seen, port, DAM_TCP_SYN)) {
      c.server_syn = *syn;
      c.server_port = port;
      return c;
    }
  }
  return std::nullopt;
}

inline size_t count_tcp(const std::vector<Seen>& seen, uint8_t port, uint8_t flags) {
  size_t count = 0;
  for (const Seen& frame : seen) {
    if (frame.port == port && frame.packet.kind == DAM_KIND_TCP && frame.has(flags)) ++count;
  }
  return count;
}

// What a server says to the SYN of a probe.
inline Segment answer_to(const Seen& syn, uint8_t flags) {
  Segment s;
  s.src = syn.packet.dst;
  s.dst = syn.packet.src;
  s.src_port = syn.packet.dst_port;
  s.dst_port = syn.packet.src_port;
  s.seq = dam_seq_of(1);
  s.ack = dam_seq_add(syn.packet.seq, 1);
  s.flags = flags;
  s.window = 1000;
  return s;
}

// "Fragmentation needed" of a router on the way, about a packet that the dam sent.
inline std::vector<uint8_t> frag_needed(const Seen& quoted, const dam_address& from) {
  std::vector<uint8_t> frame(14 + 20 + 8 + 28);
  frame[12] = 8;
  uint8_t* ip = frame.data() + 14;
  ip[0] = 0x45;
  dam_store_be16(ip + 2, 56);
  ip[8] = 64;
  ip[9] = 1;
  dam_store32(ip + 12, from.word[3]);
  dam_store32(ip + 16, quoted.packet.src.word[3]);
  dam_checksum_ipv4_set(ip);
  ip[20] = 3;
  ip[21] = 4;
  dam_store_be16(ip + 26, 1300);
  std::copy_n(quoted.bytes.begin() + quoted.packet.l3, 28, frame.begin() + 42);
  dam_packet outer{};
  outer.family = 4;
  outer.kind = DAM_KIND_ICMP;
  outer.l3 = 14;
  outer.l4 = 34;
  outer.end = static_cast<uint16_t>(frame.size());
  dam_checksum_icmp_set(frame.data(), &outer);
  return frame;
}

// A zone that bans for a minute after so many violations.
inline void let_ban(Zone& zone, uint32_t after) {
  zone.exceeded = Exceeded::ban;
  zone.ban_after = after;
  zone.ban_within_ns = zone.ban_for_ns = 60 * kSecond;
}

}  // namespace dam::test
