// SPDX-License-Identifier: BSD-3-Clause
// Plays every client, every server and the routers between them and the dam: makes the SYNs,
// answers what the dam sends, and knows afterwards what the next segment of each connection looks
// like.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/engine/frame.h"
#include "tests/bench/wire.h"

namespace dam::bench {

// The lab of the benchmarks: IPv4 documentation and benchmark ranges (RFC 5737, RFC 2544).
inline constexpr uint32_t kDamFront = 0xcb007102;      // 203.0.113.2, the public address
inline constexpr uint32_t kFrontGateway = 0xcb007101;  // 203.0.113.1
inline constexpr uint32_t kDamBack = 0xc6336401;       // 198.51.100.1 and those that follow
inline constexpr uint32_t kDamBacks = 16;  // 64,000 source ports each and server: 1 M flows need 8
inline constexpr uint32_t kFirstServer = 0xc6336480;  // 198.51.100.128
inline constexpr uint32_t kMostServers = 16;
inline constexpr uint16_t kServicePort = 443;
inline constexpr uint32_t kFirstClient = 0xc6120100;  // 198.18.1.0
inline constexpr uint32_t kSources = 125'000;         // all within 198.18.0.0/15
inline constexpr uint16_t kFirstClientPort = 1024;
inline constexpr uint8_t kFrontPort = 0, kBackPort = 1;
inline constexpr Mac kDamMac[2] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
inline constexpr Mac kPeerMac[2] = {{2, 0, 0, 0, 1, 1}, {2, 0, 0, 0, 1, 2}};

// Frames towards the dam. Whoever owns the memory keeps `spare` full and empties `ready`.
struct Outbox {
  std::vector<Frame> spare;
  std::vector<Frame> ready;
  Frame& next(uint8_t port);  // the last of spare, moved to ready
};

// How far the peer goes along with a connection.
enum class Goal : uint8_t {
  cookie,  // a SYN, and the cookie is noted: the ACK is left to the benchmark
  hello,   // the ACK too; the ClientHello is left to the benchmark
  splice,  // everything
};

class Peer {
 public:
  // `hello` is sent by each client of Goal::splice; empty: the server's port alone routes.
  Peer(uint32_t flows, uint32_t servers, std::vector<uint8_t> hello);

  void send_syn(uint32_t flow, Goal goal, Outbox& out);
  // Ends a connection by an exact RST, behind `unnoted_bytes` that others sent for the client.
  void send_reset(uint32_t flow, uint32_t unnoted_bytes, Outbox& out);
  // Takes what the dam sent out of `port`; the frame's bytes are not needed afterwards.
  void receive(uint8_t port, std::span<const uint8_t> frame, Outbox& out);

  // The next segments of a connection, as if nothing had been sent yet.
  uint16_t write_cookie_ack(uint32_t flow, uint8_t* out) const;
  uint16_t write_client_data(uint32_t flow, std::span<const uint8_t> payload, uint32_t offset,
                             uint8_t* out) const;
  uint16_t write_server_data(uint32_t flow, std::span<const uint8_t> payload, uint8_t* out) const;

  uint32_t flows() const { return static_cast<uint32_t>(connections_.size()); }
  uint32_t cookies() const { return cookies_; }  // SYN-ACKs that came
  uint32_t spliced() const { return spliced_; }  // servers that know their client
  uint64_t resets() const { return resets_; }
  bool is_spliced(uint32_t flow) const { return connections_[flow].stage == Stage::spliced; }

 private:
  enum class Stage : uint8_t { none, syn_sent, acked, spliced };
  struct Connection {
    uint32_t client_next = 0;  // the client's next sequence number
    uint32_t client_ack = 0;   // the dam's next one
    uint32_t server_ack = 0;   // the dam's next one towards the server
    uint16_t dam_port = 0;     // from which the dam talks to the server
    uint8_t pair = 0;          // of addresses, of the dam and a server
    Stage stage = Stage::none;
    Goal goal = Goal::splice;
  };

  void from_listener(const TcpFields& tcp, Outbox& out);
  void to_server(const TcpFields& tcp, Outbox& out);
  void server_learns(const TcpFields& tcp);
  TcpFields client_fields(uint32_t flow) const;

  std::vector<Connection> connections_;
  std::vector<uint32_t> owner_;  // [pair of addresses << 16 | port of the dam]: which flow
  std::vector<uint8_t> hello_;
  uint32_t cookies_ = 0;
  uint32_t spliced_ = 0;
  uint64_t resets_ = 0;
};

}  // namespace dam::bench
