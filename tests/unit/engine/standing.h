// SPDX-License-Identifier: BSD-3-Clause
// Connections that stand: the server has acknowledged all that the dam held for it.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

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

}  // namespace dam::test
