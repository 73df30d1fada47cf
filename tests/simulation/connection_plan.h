// SPDX-License-Identifier: BSD-3-Clause
// What a connection is going to do at both its ends, drawn before it begins, and how it went. Every
// octet of its streams follows from the plan, so that whoever reads one can say whether it is
// right.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/simulation/ip_packet.h"

namespace dam::simulation {

struct NicConnection;

enum class Kind : uint8_t { web, api, manage, raw, http };

enum class Ending : uint8_t {
  when_sent,  // FIN behind the last octet, whatever the peer still has to say
  after_peer,
  abort,   // RST
  vanish,  // the host forgets the connection, and says nothing
  stay,    // open, silent, until somebody else ends it
};

struct Behaviour {
  uint64_t bytes = 0;          // behind the opening
  uint32_t chunk = 1 << 16;    // of one write
  uint64_t gap_ns = 0;         // between two writes
  uint64_t read_delay_ns = 0;  // octets lie unread so long, and take room in the window
  Ending ending = Ending::when_sent;
  uint64_t ending_at = 0;  // abort and vanish: octets sent or received
};

// How an end went, as its TCP told its application.
enum class Outcome : uint8_t { open, orderly, reset, gave_up, aborted, vanished };

struct EndState {
  Outcome outcome = Outcome::open;
  uint64_t sent = 0;
  uint64_t received = 0;
  bool peer_fin = false;
  bool connected = false;
  bool stack_lost_octets = false;  // a bug of lwIP's: endpoint.cc
};

// Of plain HTTP: where its head ends in the stream, and the zone that its path and host name.
struct PlannedRequest {
  uint64_t end;
  uint8_t zone;
};

struct Connection {
  uint32_t id = 0;
  Kind kind = Kind::web;
  uint8_t family = 4;
  uint16_t client = 0;  // which host
  uint16_t client_port = 0;
  uint16_t listener_port = 443;
  uint64_t start_ns = 0;
  const Connection* follows = nullptr;  // whose port it uses again
  bool followed = false;
  bool jumped = false;       // the clock jumped while it was open
  bool interrupted = false;  // the dam began anew before it stood
  uint64_t reached_ns = 0;
  Bytes opening;  // the ClientHello, requests, or the identity alone
  std::vector<PlannedRequest> requests;
  Behaviour client_plan;
  Behaviour server_plan;
  EndState client_end;
  EndState server_end;
  std::shared_ptr<NicConnection> at_client;  // what the client's NIC knows of it
  bool reached = false;                      // a server has seen the opening
  bool begun_again = false;  // at another server, after its first one had let go of it
  bool over = false;         // the client's application has come to an end with it

  uint64_t up_bytes() const { return opening.size() + client_plan.bytes; }
};

// The octets of a connection's stream from `offset` on, of which there are enough for any length.
inline void make_octets(uint32_t id, bool down, uint64_t offset, std::span<uint8_t> octets) {
  for (size_t at = 0; at < octets.size();) {
    uint64_t z = (uint64_t{id} << 40 ^ uint64_t{down} << 39 ^ offset / 8) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 29) * 0xbf58476d1ce4e5b9;
    do {
      octets[at++] = static_cast<uint8_t>(z >> 8 * (offset % 8));
    } while (++offset % 8 != 0 && at < octets.size());
  }
}

inline void make_up_octets(const Connection& connection, uint64_t offset,
                           std::span<uint8_t> octets) {
  const Bytes& opening = connection.opening;
  const size_t opens =
      std::min<size_t>(opening.size() - std::min(offset, opening.size()), octets.size());
  std::copy_n(opening.data() + (opens == 0 ? 0 : offset), opens, octets.data());
  make_octets(connection.id, false, offset + opens, octets.subspan(opens));
}

inline void make_down_octets(const Connection& connection, uint64_t offset,
                             std::span<uint8_t> octets) {
  make_octets(connection.id, true, offset, octets);
}

// How many of them are what they should be, from the first on.
inline size_t count_right(const Connection& connection, bool down, uint64_t offset,
                          std::span<const uint8_t> octets) {
  Bytes right(octets.size());
  (down ? make_down_octets : make_up_octets)(connection, offset, right);
  return static_cast<size_t>(std::mismatch(octets.begin(), octets.end(), right.begin()).first -
                             octets.begin());
}

}  // namespace dam::simulation
