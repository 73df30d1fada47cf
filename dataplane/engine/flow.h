// SPDX-License-Identifier: BSD-3-Clause
// One proven connection. 128 bytes: with its two index entries, its timer and its source's buckets
// a flow costs at most 256 bytes all told.
#pragma once

#include <cstdint>

#include "dataplane/core/splice.h"
#include "dataplane/core/types.h"
#include "dataplane/core/window.h"

namespace dam {

inline constexpr uint32_t kNone = 0xffffffffu;

enum class FlowState : uint8_t {
  free,
  hello,        // client bytes are held until they say where to go
  connect,      // SYN sent to a server
  deliver,      // server answered; the dam's own header and the held bytes are not yet acknowledged
  established,  // each packet is translated, nothing else
};

enum FlowFlag : uint8_t {
  kFlowManagement = 1,  // its zone is a management zone
  kFlowAdmin = 2,       // its client is on the allow list
  kFlowClosing = 4,     // both FINs acknowledged, or an exact RST: a short silence ends it
  kFlowSynSeen = 8,     // a SYN came for its ports: the next ACK may carry a new cookie
  kFlowCounted = 16,    // it counts as concurrent in its source and zone
  kFlowRouted = 32,     // it has a zone and counts in the flow table's shares
  kFlowFinClient = 64,  // the client's FIN was seen; its end is in fin[DAM_C2S]
  kFlowFinServer = 128,
};

// Flows with one of these take the long way through on_control().
inline constexpr uint8_t kFlowSlow = kFlowClosing | kFlowSynSeen | kFlowFinClient | kFlowFinServer;

struct alignas(64) Flow {
  // First line: read by every packet.
  dam_address client;
  dam_splice splice;
  dam_be16 client_port;
  uint16_t source_port;  // of the dam, towards the server; host order
  uint16_t listener_slot;
  uint16_t server_slot;
  uint32_t source;  // index in the source table, or kNone
  uint8_t zone_slot;
  FlowState state;
  uint8_t flags;       // FlowFlag
  uint8_t local;       // which of the dam's addresses talks to the server
  uint32_t last_seen;  // in units of 2^20 ns
  // Second line. Sequence numbers are as their sender wrote them.
  dam_track track;
  dam_seq fin[2];  // [dir]: the sequence number behind the FIN
  dam_seq client_isn;
  dam_seq cookie;         // the dam's initial sequence number towards the client
  uint16_t neighbour[2];  // [dir]: next hop of packets going dir
  uint8_t out_interface[2];
  uint8_t family;         // 4 or 6
  uint8_t rst_direction;  // with kFlowClosing by RST: the direction that it went; 0xff: none
  uint32_t handshake;     // index of the cold part, or kNone
  uint32_t next_free;
  uint32_t epoch;            // counts the lives of this entry
  uint32_t deadline;         // of the idle timer, units of last_seen
  uint16_t cookie_tries;     // how many more ACKs may be tried as cookies; see kFlowSynSeen
  uint16_t tries_granted_s;  // when the last tries were granted, in seconds of 2^30 ns
};
static_assert(sizeof(Flow) == 128);

inline uint32_t coarse(uint64_t now_ns) { return static_cast<uint32_t>(now_ns >> 20); }
inline constexpr uint64_t kCoarseNs = 1ull << 20;

// References in the flow index carry the direction in the lowest bit.
inline uint32_t flow_ref(uint32_t flow, dam_direction direction) { return flow << 1 | direction; }

}  // namespace dam
